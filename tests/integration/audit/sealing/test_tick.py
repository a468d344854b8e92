"""The scheduler's part: who is due, in which order, and what one organization costs another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings
from structlog.testing import capture_logs

from audit.errors import BadKey
from audit.record import Event, record_many
from audit.sealing import tick
from audit.sealing.tick import Sealing
from audit.verification.events import verify
from tenancy.models import Organization
from tenancy.scope import operator_scope, scope
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """With a key of this test's own, everything that waits is due, and a batch is three events."""
    settings.AUDIT_LOG_NAME = "example.com/audit"
    monkeypatch.setattr(tick, "AGE", "0 seconds")
    monkeypatch.setattr(tick, "TICK_SECONDS", 60.0)
    monkeypatch.setattr(tick, "BATCH", 3)


@pytest.fixture
def organization() -> Iterator[Organization]:
    made = factories.organization()
    yield made
    Sealing().tick()


def write(organization: Organization, count: int = 1) -> None:
    """As many events, in the way of the product."""
    with scope(organization), transaction.atomic():
        record_many(
            [
                Event(
                    organization_id=organization.pk,
                    action="thing.done",
                    target_type="thing",
                    target_id=f'{number} é 🛰️ \\ "',
                    personal={"name": ("Ada", None)},
                )
                for number in range(count)
            ]
        )


def sizes(organization: Organization) -> list[int]:
    with scope(organization), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT last_seq - first_seq + 1 FROM audit_auditbatch"
            " WHERE organization_id = %s ORDER BY first_seq",
            [organization.pk],
        )
        return [size for (size,) in cursor.fetchall()]


def test_what_the_product_writes_is_sealed_and_found_whole(organization: Organization) -> None:
    write(organization, 4)
    Sealing().tick()

    trusted = tick.installed().trusted
    with operator_scope("a test"), transaction.atomic(), connection.cursor() as cursor:
        report = verify(cursor, organization.pk, trusted)
    assert (report.size, report.findings) == (5, [])  # its creation is the first


def test_only_what_waits_is_looked_at(organization: Organization) -> None:
    assert organization.pk in tick.due()
    Sealing().tick()
    assert organization.pk not in tick.due()


def test_what_has_just_begun_to_wait_is_not_due_unless_a_batch_is_full(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "AGE", "1 hour")
    write(organization)
    assert organization.pk not in tick.due()
    write(organization)
    assert organization.pk in tick.due()


def test_an_organization_with_much_gives_others_their_turn(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = factories.organization()
    Sealing().tick()
    write(organization, 7)
    write(small)
    order = []

    def note(one: int, *more: Any) -> int:
        order.append(one)
        return seal_next(one, *more)

    seal_next = tick.seal_next
    monkeypatch.setattr(tick, "seal_next", note)
    Sealing().tick()

    mine = [one for one in order if one in (organization.pk, small.pk)]
    assert mine == [organization.pk, small.pk, organization.pk, organization.pk]
    assert sizes(organization)[-3:] == [3, 3, 1]


def test_a_log_that_differs_stops_no_other_and_is_told_once(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    write(organization)
    Sealing().tick()
    write(organization)
    settings.AUDIT_LOG_NAME = "example.org/audit"
    fresh = factories.organization()
    sealing = Sealing()
    with capture_logs() as logs:
        sealing.tick()
        sealing.tick()

    told = [one for one in logs if one.get("organization_id") == organization.pk]
    assert [one["event"] for one in told] == ["audit_log_differs"]
    assert "no trusted key" in told[0]["reason"]
    assert sizes(fresh) == [1]
    settings.AUDIT_LOG_NAME = "example.com/audit"
    monkeypatch.setattr(tick, "REST_SECONDS", 0.0)


def test_without_its_key_nothing_is_sealed_and_nothing_lost(
    organization: Organization, settings: Settings, tmp_path: Path
) -> None:
    kept = settings.AUDIT_KEY_FILE
    settings.AUDIT_KEY_FILE = tmp_path / "none.pem"
    with pytest.raises(BadKey, match="cannot be read"):
        Sealing().tick()
    assert sizes(organization) == []
    settings.AUDIT_KEY_FILE = kept
    Sealing().tick()
    assert sizes(organization) == [1]
