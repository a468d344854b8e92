"""commit_each: units that are committed one by one, in one trip and with one wait for the disk."""

import pytest
from django.db import DataError, connection, transaction

from tenancy.models import Mission
from tenancy.postgresql.flush import Statement, commit_each, unit
from tenancy.scope import scope
from tests.factories import mission

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_in_production():
    """The suite's own server does not wait for the disk."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
    yield
    connection.close()


def renamed(place, title):
    with scope(place.organization_id):
        return unit(
            Statement(
                name="tests.renamed",
                sql="UPDATE tenancy_mission SET title = %(title)s WHERE id = %(id)s",
                parameters={"title": title, "id": place.pk},
            ),
            Statement(name="tests.lsn", sql="SELECT pg_current_wal_insert_lsn()::text AS lsn"),
        )


def broken():
    return [Statement(name="tests.broken", sql="SELECT 1 / 0")]


def title(place):
    with scope(place.organization_id), transaction.atomic():
        return Mission.objects.get(pk=place.pk).title


def is_on_disk(lsn):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", [lsn])
        return cursor.fetchone()[0]


def test_what_it_committed_is_on_the_disk_when_it_returns():
    places = [mission() for _ in range(3)]

    answers = commit_each([renamed(one, "after") for one in places])

    assert is_on_disk(answers[-1]["tests.lsn"][0]["lsn"])
    assert [title(one) for one in places] == ["after"] * 3


def test_the_others_are_on_the_disk_where_the_last_one_fails():
    place = mission()

    answer, error = commit_each([renamed(place, "after"), broken()])

    assert is_on_disk(answer["tests.lsn"][0]["lsn"])
    assert isinstance(error, DataError)
    assert title(place) == "after"


def test_units_are_not_for_the_middle_of_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError, match="outside of any"):
        commit_each([broken()])
