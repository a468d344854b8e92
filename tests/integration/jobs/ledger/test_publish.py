"""publish: what commits goes in line at once, what does not commit never does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from jobs.ledger.publish import publish
from jobs.scheduler import publish_all_due
from tests.factories import organization
from tests.factories.jobs import Note, at, claim, note_type, queued_job, row
from tests.integration.jobs.ledger.lines import in_line, message, reference
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_is_in_line_once_its_transaction_commits(line):
    of = organization()

    with at(of):
        ref = queued_job(of)
        assert not in_line(ref)

    assert in_line(ref)


def test_a_claim_notes_that_redis_had_it(line):
    ref = queued_job()
    assert row(ref).published_at is None

    claim(ref)

    assert row(ref).published_at


def test_a_transaction_that_rolls_back_leaves_no_job_and_publishes_nothing(line):
    of, job_type = organization(), note_type()

    with at(of):
        ref = queued_job(of, job_type)
        transaction.set_rollback(True)

    assert not in_line(ref)
    assert claim(ref).answer == "unknown"


def test_a_part_that_is_undone_publishes_nothing_and_the_rest_does(line):
    of = organization()

    with at(of):
        kept = queued_job(of)
        with transaction.atomic():
            undone = queued_job(of)
            transaction.set_rollback(True)

    assert (in_line(kept), in_line(undone)) == (True, False)


def test_a_job_for_later_is_not_in_line(line):
    ref = queued_job(run_at=datetime.now(UTC) + timedelta(hours=1))

    assert not in_line(ref)
    assert row(ref).published_at is None


def test_a_job_for_a_moment_that_passed_is_in_line_at_once(line):
    assert in_line(queued_job(run_at=datetime.now(UTC) - timedelta(hours=1)))


def test_asking_again_publishes_nothing_more(line):
    of, job_type = organization(), note_type()
    same = {"entity": ("note", "1"), "correlation_id": "c"}
    ref = queued_job(of, job_type, **same)
    line.remove("backfill", of.pk, [str(ref.job_id)])

    queued_job(of, job_type, **same)

    assert not in_line(ref)


def test_the_message_is_a_reference_and_carries_nothing_of_the_job(line):
    of, job_type = organization(), note_type()
    ref = queued_job(of, job_type, payload=Note(text="a secret"))

    assert message(ref) == f"0:{job_type.name} ".encode()


def test_a_redis_that_is_away_fails_nobody_s_request(own_line, live_valkey):
    live_valkey.kill()

    ref = queued_job()

    assert (row(ref).state, row(ref).published_at) == ("queued", None)


def test_a_redis_that_is_full_loses_no_job(own_line, own_redis):
    own_line.open_epoch()
    own_redis.config_set("maxmemory", 1)

    ref = queued_job()
    assert row(ref).published_at is None

    own_redis.config_set("maxmemory", 0)
    eventually(lambda: publish_all_due() or row(ref).published_at)
    assert in_line(ref)


def test_a_redis_that_lost_its_data_is_told_nothing(own_line):
    ref = queued_job()

    assert row(ref).published_at is None
    assert own_line.epoch() is None


def test_publishing_twice_puts_one_message_in_line(line):
    ref = queued_job()
    before = line.depth("backfill", ref.organization_id).waiting

    publish([reference(ref)])

    assert line.depth("backfill", ref.organization_id).waiting == before == 1
