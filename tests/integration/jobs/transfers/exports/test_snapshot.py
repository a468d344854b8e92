"""The read-only transaction of an export: one moment, not for ever, and nothing left of it."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings as site
from django.db import connection, connections
from pytest_django import Settings

from jobs.families.transfers.errors import SnapshotTooLong
from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.snapshot import snapshot
from jobs.families.transfers.exports.statement import Query, moment_sql, query
from tenancy.scope import scope

from .conftest import House


@pytest.fixture
def timeline(house: House) -> Query:
    return query("timeline", organization_id=house.organization.pk, fields=["title"], filters={})


@pytest.fixture
def locked() -> Iterator[psycopg.Connection]:
    """Nobody reads timelines while this connection is in its transaction."""
    with psycopg.connect(site.DATABASE_URL) as holder:
        holder.execute("LOCK TABLE tenancy_timelineentry IN ACCESS EXCLUSIVE MODE")
        yield holder


def elsewhere(house: House, title: str) -> None:
    """An entry that another connection commits meanwhile."""

    def commit() -> None:
        house.entries({"title": title})
        connections.close_all()

    thread = threading.Thread(target=commit)
    thread.start()
    thread.join()


def test_what_is_committed_after_it_opened_is_not_in_it(house: House, timeline: Query) -> None:
    house.entries({"title": "Before"})

    with scope(house.organization), snapshot(timeline) as moment:
        elsewhere(house, "After")
        content = b"".join(moment.blocks(FORMATS["csv"]))

    assert content == b'title\n"Before"\n'
    assert (moment.total, moment.rows) == (1, 1)


def test_nothing_can_be_written_in_it_and_everything_afterwards(
    house: House, timeline: Query
) -> None:
    with (
        pytest.raises(Exception, match="read-only transaction"),
        scope(house.organization),
        snapshot(timeline),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE tenancy_mission SET title = 'x'")

    house.entries({"title": "Written"})
    with scope(house.organization), snapshot(timeline) as moment:
        assert moment.total == 1


def test_one_that_is_open_for_too_long_is_ended_with_what_to_do(
    house: House, timeline: Query, locked: psycopg.Connection, settings: Settings
) -> None:
    settings.EXPORTS_MAX_SECONDS = 0.2

    with (
        pytest.raises(SnapshotTooLong, match="Narrow the filter"),
        scope(house.organization),
        snapshot(timeline) as moment,
    ):
        list(moment.blocks(FORMATS["csv"]))

    locked.rollback()
    settings.EXPORTS_MAX_SECONDS = 600
    with scope(house.organization), snapshot(timeline) as moment:
        assert moment.total == 0


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-03-01T09:05:07+02:00", "2026-03-01T07:05:07Z"),
        ("2026-03-01T09:05:07.5Z", "2026-03-01T09:05:07.500000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("infinity", None),
    ],
)
def test_a_moment_is_written_alike_whatever_the_session_is_set_to(
    house: House, timeline: Query, moment: str, written: str | None
) -> None:
    with scope(house.organization), connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German'")
        try:
            with snapshot(timeline):
                cursor.execute(
                    f"SELECT {moment_sql('m')} FROM (SELECT %s::timestamptz AS m)", [moment]
                )
                found = cursor.fetchone()
        finally:
            cursor.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'")

    assert found == (written,)
