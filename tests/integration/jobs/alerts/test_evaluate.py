"""The tick: a minute is done once, alerts open and close once, whatever runs beside it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from structlog.testing import capture_logs

from jobs.alerts import evaluate, minutes
from jobs.alerts.conditions import CONDITIONS, Kind, Subject
from jobs.alerts.models import Alert, MinuteCount
from jobs.alerts.states import AlertState
from jobs.ledger import relay
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.alerts import alerts_of, failing, pass_minutes
from tests.factories.jobs import dead_job
from tests.threads import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


@pytest.fixture
def undone():
    """The last full minute, as if no scheduler had done it; call it again for another go."""

    def undo():
        with engine_scope(), transaction.atomic():
            minute = minutes.last_full()
            MinuteCount.objects.filter(minute__gte=minute)._raw_delete("default")
        return minute

    return undo


def fail(of, times):
    """So many attempts, all ended within the minute that is over."""
    for _ in range(times):
        dead_job(of)
    with engine_scope(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_attempt SET ended_at = %s WHERE organization_id = %s",
            [minutes.last_full() + timedelta(seconds=30), of.pk],
        )


def test_an_organization_whose_attempts_fail_gets_an_alert(of, undone):
    fail(of, 20)
    undone()

    assert evaluate.evaluate()

    [alert] = alerts_of(failing(of))
    assert (alert.state, alert.value) == (AlertState.OPEN, 1.0)
    assert alert.tell_at is not None
    with engine_scope(), transaction.atomic():
        count = MinuteCount.objects.get(organization=of)
    assert (count.attempts, count.failed, count.dead) == (20, 20, 20)


def test_nineteen_failures_are_no_alert(of, undone):
    fail(of, 19)
    undone()

    assert evaluate.evaluate()

    assert alerts_of(failing(of)) == []


def test_a_minute_is_done_once(of, undone):
    undone()

    done = [evaluate.evaluate() for _ in range(2)]

    # A new minute may have begun between the two.
    assert done in ([True, False], [True, True])
    with engine_scope(), transaction.atomic():
        groups = MinuteCount.objects.filter(organization=None, minute=minutes.last_full())
        assert groups.count() in (0, 4)


def test_of_two_schedulers_at_once_one_opens_the_alert(of, undone):
    fail(of, 20)
    undone()

    together(*[evaluate.evaluate] * 4)

    assert [alert.state for alert in alerts_of(failing(of))] == [AlertState.OPEN]


def test_the_database_refuses_a_second_live_alert(of):
    pass_minutes(failing(of), 0.8)
    now = datetime.now(UTC)

    with pytest.raises(IntegrityError), engine_scope(), transaction.atomic():
        Alert.objects.create(
            organization=of, kind=Kind.JOBS_FAIL, state="open", opened_at=now, value=1
        )


def test_the_database_refuses_a_second_live_alert_of_no_organization():
    subject = Subject(kind=Kind.NO_WORKER, group="no-such-group")
    pass_minutes(subject, 0)

    with pytest.raises(IntegrityError), engine_scope(), transaction.atomic():
        Alert.objects.create(
            kind=Kind.NO_WORKER, queue_group="no-such-group", state="pending", value=0
        )


def test_it_closes_after_five_quiet_minutes_and_what_comes_again_is_another(of):
    alerts = pass_minutes(failing(of), 0.8, 0.9, *[None] * 6, 0.7)

    assert [(one.state, one.value) for one in alerts] == [("closed", 0.9), ("open", 0.7)]
    assert alerts[0].closed_at - alerts[0].opened_at == timedelta(minutes=7)


def test_what_passes_before_its_minimum_leaves_nothing(of):
    subject = Subject(kind=Kind.QUEUE_GROWS, organization_id=of.pk, group="audit")

    [pending] = pass_minutes(subject, 5, 6)
    assert (pending.state, pending.opened_at, pending.tell_at) == ("pending", None, None)

    assert pass_minutes(subject, None) == []


def test_an_organization_that_does_not_exist_gets_no_alert():
    assert pass_minutes(failing(9_000_000_002), 0.8) == []


def test_opening_and_closing_are_logged_once(of):
    with capture_logs() as lines:
        pass_minutes(failing(of), 0.8, 0.8, *[None] * 7)

    mine = [line for line in lines if line.get("organization_id") == of.pk]
    assert [line["event"] for line in mine] == ["alert_opened", "alert_closed"]
    assert mine[0] | {"alert": "jobs_fail", "queue_group": "", "value": 0.8} == mine[0]
    assert mine[1]["lasted_seconds"] == 7 * 60


def test_what_needs_redis_stays_where_it_is_while_redis_is_away(of):
    subject = Subject(kind=Kind.QUEUE_GROWS, organization_id=of.pk, group="audit")
    pass_minutes(subject, 5, 6, 7)
    blind = [condition for condition in CONDITIONS if not condition.reads_queues]

    for _ in range(10):
        with engine_scope(), transaction.atomic():
            evaluate.apply({}, blind, at=datetime.now(UTC))

    assert [alert.state for alert in alerts_of(subject)] == ["open"]


def test_a_relay_behind_is_seen_while_redis_is_away(of, undone, live_valkey):
    import dramatiq

    from jobs.broker.broker import GroupBroker
    from tests.factories.jobs import queued_job

    subject = Subject(kind=Kind.RELAY_BEHIND)
    away, before = GroupBroker(url=live_valkey.url), dramatiq.get_broker()
    live_valkey.kill()
    dramatiq.set_broker(away)
    try:
        queued_job(of)
        with engine_scope(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET run_at = now() - interval '10 minutes',"
                " created_at = now() - interval '10 minutes' WHERE organization_id = %s",
                [of.pk],
            )
        for _ in range(2):
            undone()
            assert evaluate.evaluate()
        assert alerts_of(subject)[-1].state == AlertState.OPEN
    finally:
        dramatiq.set_broker(before)
        away.close()
        with engine_scope(), transaction.atomic():
            Alert.objects.filter(kind=Kind.RELAY_BEHIND).delete()
    relay.publish_due()


def test_a_group_without_a_worker_gets_an_alert_whether_or_not_something_waits(of, undone):
    with engine_scope(), transaction.atomic():
        Alert.objects.filter(kind=Kind.NO_WORKER).delete()

    for _ in range(3):
        undone()
        assert evaluate.evaluate()

    assert alerts_of(Subject(kind=Kind.NO_WORKER, group="audit"))[-1].state == AlertState.OPEN
