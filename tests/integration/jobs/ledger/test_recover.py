"""recover: a Redis that lost everything gets all unfinished jobs back, then its epoch."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from jobs.broker.errors import NoEpoch
from jobs.broker.messages import MessageKey
from jobs.ledger import relay, transitions
from jobs.ledger.failures import Failure
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import at, claim, dead_job, queued_job, queued_jobs, row, running_job
from tests.integration.jobs.ledger.lines import in_line, lease_all, reference
from tests.threads import elsewhere, together

pytestmark = pytest.mark.django_db(transaction=True)


def retrying_job(of, delay):
    job = running_job(of)
    with at(of):
        transitions.retry(job, delay=delay, failure=Failure(error_class="E", message="m"))
    return job.ref


def finished_job(of):
    job = running_job(of)
    with at(of):
        transitions.settle(job)
    return job.ref


def test_an_empty_redis_is_opened_once(own_line):
    assert relay.recover()
    epoch = own_line.epoch()

    assert not relay.recover()
    assert own_line.epoch() == epoch


@pytest.mark.parametrize(
    ("jobs", "event", "level"),
    [(0, "jobs_redis_opened", "INFO"), (3, "jobs_recovered", "WARNING")],
)
def test_only_a_redis_that_had_jobs_to_lose_is_a_warning(jobs, event, level, caplog):
    caplog.set_level("INFO")

    relay.tell_of_recovery(jobs)

    [told] = [record for record in caplog.records if event in record.getMessage()]
    assert told.levelname == level


def test_every_unfinished_job_is_in_line_again_and_no_other(own_line, own_redis):
    relay.recover()
    of = organization()
    unfinished = {
        "queued": queued_job(of),
        "running": running_job(of).ref,
        "retrying": retrying_job(of, timedelta(hours=1)),
    }
    others = {
        "dead": dead_job(of),
        "finished": finished_job(of),
        "later": queued_job(of, run_at=datetime.now(UTC) + timedelta(hours=1)),
    }
    own_redis.flushall()

    assert relay.recover()

    assert [kind for kind, ref in unfinished.items() if not in_line(ref)] == []
    assert [kind for kind, ref in others.items() if in_line(ref)] == []


def test_one_that_backs_off_goes_on_backing_off(own_line, own_redis):
    relay.recover()
    of = organization()
    retrying_job(of, timedelta(hours=1))
    own_redis.flushall()

    relay.recover()

    assert own_line.depth("backfill", of.pk).waiting == 0
    assert own_line.totals("backfill").delayed >= 1


def test_jobs_that_were_never_published_are_confirmed(own_line):
    ref = queued_job()
    assert row(ref).published_at is None

    relay.recover()

    assert in_line(ref)
    assert row(ref).published_at


def test_until_then_nothing_is_answered(own_line, own_redis):
    relay.recover()
    ref = queued_job()
    own_redis.flushall()

    with pytest.raises(NoEpoch):
        in_line(ref)
    with pytest.raises(NoEpoch):
        own_line.fetch("backfill", "consumer", 1)


def test_a_recovery_that_was_killed_in_the_middle_is_begun_anew(own_line):
    of = organization()
    refs = [queued_job(of) for _ in range(5)]
    relay.put_in_line([reference(ref) for ref in refs[:2]], recovering=True)
    assert own_line.epoch() is None

    relay.recover()

    assert own_line.depth("backfill", of.pk).waiting == 5


def test_pages_are_put_back_to_the_last(own_line, own_redis):
    relay.recover()
    of = organization()
    refs = queued_jobs(of, 2 * relay.BATCH + 1)
    own_redis.flushall()

    relay.recover()

    waiting = own_line.depth("backfill", of.pk).waiting
    assert waiting == len(refs)


def test_one_process_at_a_time_recovers(own_line):
    with elsewhere() as begin, engine_scope(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [relay.RECOVERY_LOCK])
        second = begin(relay.recover).result()

    assert second is False
    assert own_line.epoch() is None


def test_several_at_once_open_one_epoch(own_line):
    ref = queued_job()

    done = together(*[relay.recover] * 4)

    assert done.count(True) == 1
    assert in_line(ref)


def test_a_recovered_job_runs_once(own_line, own_redis):
    relay.recover()
    ref = queued_job()
    own_redis.flushall()
    relay.recover()

    taken = lease_all(own_line, ref.organization_id)

    assert taken.count(MessageKey(ref.organization_id, str(ref.job_id))) == 1
    assert claim(ref).answer == "claimed"
