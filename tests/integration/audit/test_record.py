"""What an audit event says, and that its columns cannot say anything else."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from django.db import DatabaseError, connection, transaction

from audit.errors import InvalidEvent
from audit.event import MAX_EVENT_BYTES
from audit.models import AuditEvent
from audit.record import Event, record, record_many
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.errors import NoScope
from tenancy.models import Organization
from tenancy.scope import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    return factories.organization()


def last(organization: Organization) -> AuditEvent:
    with scope(organization):
        return AuditEvent.objects.filter(organization=organization).order_by("-id")[0]


def note(organization: Organization, **more: Any) -> AuditEvent:
    """One event about nothing in particular, as it is in the log."""
    with scope(organization):
        record("thing.done", ("thing", "7"), organization_id=organization.pk, **more)
    return last(organization)


def test_an_event_is_kept_in_canonical_form(organization: Organization) -> None:
    event = note(organization, detail={"b": 1.0, "a": "é", "c": [True, None]})

    assert event.event.encode() == rfc8785.dumps(json.loads(event.event))


def test_the_columns_say_what_the_text_says(organization: Organization) -> None:
    job = str(uuid.uuid4())
    with acting(Actor.user(7), source="worker", correlation_id="c-1", job_id=job):
        event = note(organization, project_id=31, outcome="denied")

    text = json.loads(event.event)
    for name in ("action", "outcome", "actor", "target_type", "target_id", "correlation_id"):
        assert getattr(event, name) == text[name]
    assert event.project_id == text["project_id"] == 31
    assert str(event.job_id) == text["job_id"] == job
    assert (event.actor, event.outcome, event.correlation_id) == ("user:7", "denied", "c-1")


def test_a_column_cannot_be_written(organization: Organization) -> None:
    with (
        scope(organization),
        pytest.raises(DatabaseError, match=r"permission denied|cannot insert"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO audit_auditevent (organization_id, event, action) VALUES (%s, '{}', 'x')",
            [organization.pk],
        )


@pytest.mark.parametrize("text", ["not json", "", '{"job_id": "x"}', '{"project_id": "x"}'])
def test_a_text_that_is_no_event_is_refused(organization: Organization, text: str) -> None:
    with (
        scope(organization),
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO audit_auditevent (organization_id, event) VALUES (%s, %s)",
            [organization.pk, text],
        )


def test_many_events_are_one_statement(
    organization: Organization, django_assert_num_queries: Any
) -> None:
    events = [
        Event(
            organization_id=organization.pk,
            action="thing.done",
            target_type="thing",
            target_id=str(number),
        )
        for number in range(100)
    ]

    with scope(organization), django_assert_num_queries(1):
        record_many(events)

    with scope(organization):
        told = AuditEvent.objects.filter(action="thing.done").order_by("id")
        assert [one.target_id for one in told] == [str(number) for number in range(100)]


def test_no_events_are_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        record_many([])


def test_an_event_without_a_scope_is_refused(organization: Organization) -> None:
    with pytest.raises(NoScope):
        record("thing.done", organization)


def test_an_event_in_the_log_of_another_is_refused(organization: Organization) -> None:
    other = factories.organization()

    with (
        scope(organization),
        pytest.raises(DatabaseError, match="row-level security"),
        transaction.atomic(),
    ):
        record("thing.done", ("thing", 1), organization_id=other.pk)


def test_an_event_of_no_organization_is_refused() -> None:
    with scope([]), pytest.raises(InvalidEvent, match="organization"):
        record("thing.done", ("thing", 1))


@pytest.mark.parametrize(
    "action", ["", "thing", "Thing.done", "thing.Done", "a." * 16 + "bb", "a b.c"]
)
def test_an_action_that_is_misspelled_is_refused(organization: Organization, action: str) -> None:
    with scope(organization), pytest.raises(InvalidEvent):
        record(action, ("thing", 1), organization_id=organization.pk)


@pytest.mark.parametrize(
    "value",
    [
        "NUL \x00 inside",
        "half a pair \ud83d",
        "🛰️ 日本語 שלום",
        2**53,
        -(2**70),
        float("nan"),
        float("-inf"),
        Decimal("1.10"),
        uuid.uuid4(),
        datetime.now(UTC),
        timedelta(hours=1),
        b"bytes",
        {"\x00key\ud83d": {"deep": [object]}},
        ["a", ("b", 2**60)],
        "x" * 100_000,
        Exception("an error"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_can_be_told(organization: Organization, value: Any) -> None:
    event = note(organization, changes={"field": (None, value)}, detail={"value": value})

    assert set(json.loads(event.event)["changes"]["field"]) == {"before", "after"}


def test_a_target_can_have_any_text(organization: Organization) -> None:
    with scope(organization):
        record("thing.done", ("path", "/a\x00b\ud83d"), organization_id=organization.pk)

    assert last(organization).target_id == "/a\ufffdb?"


def test_a_long_text_is_kept_by_its_beginning_and_its_length(organization: Organization) -> None:
    event = note(organization, detail={"text": "x" * 5000})

    told = json.loads(event.event)["detail"]["text"]
    assert told == "x" * 4096 + "… (5000 characters)"


def test_an_event_that_is_too_large_is_refused(organization: Organization) -> None:
    many = {f"field {number}": "x" * 4000 for number in range(MAX_EVENT_BYTES // 4000 + 1)}

    with pytest.raises(InvalidEvent, match="bytes"):
        note(organization, detail=many)


def test_the_longest_texts_of_an_entry_can_be_changed_and_told() -> None:
    long = "\x01" * 20_000
    entry = factories.timeline_entry(notes=long, title="\x01" * 300, location="\x01" * 300)

    with scope(entry.organization):
        changes.update(entry, notes=long + "!", title="\x02" * 300, location="\x02" * 300)

    assert last(entry.organization).action == "timelineentry.changed"


def test_personal_values_are_in_a_column_of_their_own(organization: Organization) -> None:
    with scope(organization):
        record_many(
            [
                Event(
                    organization_id=organization.pk,
                    action="thing.done",
                    target_type="thing",
                    target_id="1",
                    personal={"name": ("Ada", "Grace")},
                )
            ]
        )

    event = last(organization)
    assert event.personal == '{"name":{"after":"Grace","before":"Ada"}}'
    assert "Ada" not in event.event
