"""Redis's copy of the controls: restored before the jobs, reconciled, never older than the rows."""

import pytest

from jobs.broker.messages import Control
from jobs.ledger import control_copy, relay
from tests.factories import organization
from tests.factories.jobs import queue_control, queued_job

pytestmark = pytest.mark.django_db(transaction=True)

ALL = Control(weight=2.5, limit=3, rate=0.1, burst=7, is_paused=True)


def everything(of):
    return queue_control(
        of, weight=2.5, concurrency_limit=3, rate_per_second=0.1, burst=7, is_paused=True
    )


@pytest.fixture
def of(own_line):
    relay.recover()
    return organization()


def test_what_was_paused_stays_so_after_a_flush(of, own_line, own_redis):
    queued_job(of)
    everything(of)
    control_copy.push(of.pk, ["backfill"])
    own_redis.flushall()

    relay.recover()

    assert own_line.controls("backfill")[of.pk] == ALL
    assert own_line.depth("backfill", of.pk).waiting == 1
    got = own_line.fetch("backfill", "a-worker", 50).messages
    assert [one for one in got if one.organization_id == of.pk] == []


def test_controls_stand_before_any_job_does(of, own_line, own_redis, monkeypatch):
    queued_job(of)
    everything(of)
    own_redis.flushall()
    put, seen = relay.put_in_line, []

    def look_and_put(jobs, **more):
        seen.append(own_redis.hkeys("group:backfill:controls"))
        return put(jobs, **more)

    monkeypatch.setattr(relay, "put_in_line", look_and_put)
    relay.recover()

    assert f"org:{of.pk}".encode() in seen[0]


def test_after_an_old_snapshot_the_next_look_mends_it(of, own_line):
    everything(of)
    later = organization()
    queue_control(later, is_paused=False)
    own_line.control("backfill", {later.pk: Control(is_paused=True)})  # as it was long ago

    control_copy.reconcile()

    copied = own_line.controls("backfill")
    assert copied[of.pk] == ALL
    assert later.pk not in copied


def test_what_agrees_is_left_alone(of, own_line):
    everything(of)
    queue_control(of, "audit", capacity=5)
    control_copy.reconcile()

    assert control_copy.reconcile() == 0


def test_many_are_restored_to_the_last(of, own_line, own_redis, monkeypatch):
    monkeypatch.setattr(control_copy, "BATCH", 3)
    several = [organization() for _ in range(7)]
    for one in several:
        queue_control(one, is_paused=True)
    own_redis.flushall()

    relay.recover()

    copied = own_line.controls("backfill")
    assert all(copied[one.pk].is_paused for one in several)


def test_a_redis_that_is_away_is_told_later(of, own_line, live_valkey):
    everything(of)
    live_valkey.kill()
    assert not control_copy.push(of.pk, ["backfill"])
    live_valkey.start()

    relay.recover()

    assert own_line.controls("backfill")[of.pk] == ALL
