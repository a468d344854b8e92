"""pause, drain, resume, limit, weight, rate, capacity: what an operator does to queues."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from audit.models import AuditEvent
from jobs import control
from jobs.broker.messages import Control
from jobs.errors import ControlRefused
from jobs.ledger import relay
from jobs.ledger.controls import QueueControl
from jobs.ledger.publish import queues
from tenancy.acting import Actor, acting
from tenancy.errors import AccessDenied
from tests.factories import member, operator, organization
from tests.factories.jobs import at, queued_job
from tests.factories.people import operating
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def rows(of) -> dict[str, QueueControl]:
    with at(of):
        return {row.queue_group: row for row in QueueControl.objects.all()}


def events(of) -> list[dict]:
    with at(of):
        found = AuditEvent.objects.filter(action__startswith="queue.").order_by("pk")
        return [json.loads(one.event) | {"action": one.action} for one in found]


def in_redis(of, group="backfill") -> Control:
    return queues().controls(group).get(of.pk, Control())


def fetched_of(of) -> int:
    """How many messages of the organization a worker gets."""
    found = []
    while some := queues().fetch("backfill", "a-worker", 20).messages:  # others' too
        found += [one for one in some if one.organization_id == of.pk]
    return len(found)


def test_a_paused_queue_starts_nothing_from_the_next_fetch_on(of):
    queued_job(of)

    with operating():
        [row] = control.pause(of.pk, "backfill", reason="their receiver is down")

    assert (row.is_paused, row.reason) == (True, "their receiver is down")
    assert in_redis(of).is_paused
    assert fetched_of(of) == 0


def test_resumed_it_starts_what_waits(of):
    queued_job(of)
    with operating():
        control.pause(of.pk, "backfill", reason="x")
        control.resume(of.pk, "backfill", reason="it is back")

    assert in_redis(of) == Control()
    assert fetched_of(of) == 1


def test_other_groups_and_organizations_are_left_alone(of):
    other = organization()

    with operating():
        control.pause(of.pk, "backfill", reason="x")

    assert set(rows(of)) == {"backfill"}
    assert rows(other) == {}


def test_without_a_group_all_of_them_are_meant(of):
    with operating():
        changed = control.pause(of.pk, reason="x")
        resumed = control.resume(of.pk, reason="x")

    groups = ["audit", "backfill", "indexing", "notifications"]
    assert [row.queue_group for row in changed] == groups
    assert [row.queue_group for row in resumed] == groups


def test_what_is_so_already_is_left_alone_and_not_told_twice(of):
    with operating():
        control.pause(of.pk, "backfill", reason="x")
        assert control.pause(of.pk, "backfill", reason="again") == []
        assert control.resume(of.pk, "audit", reason="never paused") == []

    assert [one["action"] for one in events(of)] == ["queue.paused"]
    assert set(rows(of)) == {"backfill"}


def test_each_is_in_the_audit_log_with_before_and_after(of):
    person = operator()

    with operating(person):
        control.limit(of.pk, "backfill", concurrency=5, reason="they flood us")
        control.limit(of.pk, "backfill", concurrency=2, reason="still")

    first, second = events(of)
    assert first["action"] == "queue.limited"
    assert first["changes"] == {"concurrency_limit": {"before": None, "after": 5}}
    assert second["changes"] == {"concurrency_limit": {"before": 5, "after": 2}}
    assert second["detail"] == {"reason": "still", "queue_group": "backfill"}
    assert second["actor"] == f"operator:{person.pk}"
    assert (second["target_type"], second["target_id"]) == ("organization", str(of.pk))


def test_numbers_reach_redis_and_are_taken_off_again(of):
    with operating():
        control.limit(of.pk, "backfill", concurrency=3, reason="x")
        control.weight(of.pk, "backfill", share=2.5, reason="x")
        control.rate(of.pk, "backfill", per_second=0.5, burst=4, reason="x")
    assert in_redis(of) == Control(limit=3, weight=2.5, rate=0.5, burst=4)

    with operating():
        control.limit(of.pk, "backfill", concurrency=None, reason="x")
        control.weight(of.pk, "backfill", share=1, reason="x")
        control.rate(of.pk, "backfill", per_second=None, reason="x")
    assert in_redis(of) == Control()


def test_a_number_that_is_set_leaves_the_reason_of_the_pause_alone(of):
    with operating():
        control.pause(of.pk, "backfill", reason="their receiver is down")
        control.weight(of.pk, "backfill", share=2, reason="they pay for it")

    assert rows(of)["backfill"].reason == "their receiver is down"


def test_a_drained_queue_keeps_new_jobs_back_and_a_pause_beside_it_stays(of):
    with operating():
        control.pause(of.pk, "backfill", reason="x")
        control.drain(of.pk, "backfill", reason="y")

    row = rows(of)["backfill"]
    assert (row.is_paused, row.is_draining, row.reason) == (True, True, "y")

    with operating():
        control.resume(of.pk, "backfill", reason="z")
    assert (rows(of)["backfill"].is_paused, rows(of)["backfill"].is_draining) == (False, False)


def test_a_pause_ends_by_itself_at_its_time(of):
    with operating():
        until = datetime.now(UTC) + timedelta(milliseconds=50)
        control.pause(of.pk, "backfill", reason="a short one", until=until)
        control.pause(of.pk, "audit", reason="a long one", until=until + timedelta(hours=1))

    def ended():
        control.end_pauses()
        return not rows(of)["backfill"].is_paused

    eventually(ended)

    assert rows(of)["backfill"].paused_until is None
    assert rows(of)["audit"].is_paused
    assert in_redis(of) == Control()
    last = events(of)[-1]
    assert (last["action"], last["actor"]) == ("queue.resumed", "system")
    assert last["detail"]["reason"] == "its time was over"


@pytest.mark.parametrize("role", ["owner", "admin", "editor", "viewer"])
def test_members_of_the_organization_may_not(of, role):
    person = member(of, role=role)

    with acting(Actor.user(person.pk), source="admin"), at(of), pytest.raises(AccessDenied):
        control.pause(of.pk, "backfill", reason="x")

    assert rows(of) == {}


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda of: control.pause(of, "backfill", reason=" "), "Say why"),
        (lambda of: control.pause(of, "nightly", reason="x"), "there are notifications, indexing"),
        (
            lambda of: control.pause(of, reason="x", until=datetime(2020, 1, 1, tzinfo=UTC)),
            "give a moment in the future",
        ),
        (
            lambda of: control.limit(of, concurrency=0, reason="x"),
            "choose 1 to 1,000,000, or pause the queue to let none run",
        ),
        (lambda of: control.weight(of, share=0, reason="x"), "choose one from 0.01 to 100"),
        (lambda of: control.weight(of, share=float("nan"), reason="x"), "choose one from 0.01"),
        (lambda of: control.rate(of, per_second=0, reason="x"), "choose one from 0.001"),
        (lambda of: control.rate(of, per_second=float("inf"), reason="x"), "choose one from"),
        (lambda of: control.rate(of, per_second=None, burst=3, reason="x"), "give the rate too"),
        (lambda of: control.rate(of, per_second=1, burst=0, reason="x"), "leave it out"),
        (lambda of: control.capacity(of, waiting=-1, reason="x"), "or drain the queue"),
    ],
)
def test_what_cannot_be_followed_says_what_could(of, ask, said):
    with operating(), pytest.raises(ControlRefused, match=said):
        ask(of.pk)

    assert rows(of) == {}
    assert events(of) == []
