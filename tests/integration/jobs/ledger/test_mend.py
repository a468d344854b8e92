"""mend_letters, mend_holds: what `check` found is asked again; it may have gone on meanwhile."""

import pytest
from django.db import connection, transaction

from jobs.ledger.models import DeadLetter
from jobs.ledger.statements import run
from jobs.ledger.transitions import JobRef
from tenancy.scope import engine_scope
from tests.factories import organization
from tests.factories.jobs import at, breaker, dead_job, queued_job, row
from tests.integration.jobs.ledger.letters import replay, states

pytestmark = pytest.mark.django_db


def mend(what, ref, **more):
    pair = {"organization_ids": [ref.organization_id], "job_ids": [ref.job_id]}
    with engine_scope(), transaction.atomic():
        return run(what, pair | more)


def mend_letter(ref):
    return mend("mend_letters", ref, fingerprint="mended")


def behind(breaker_id, hold="breaker", of=None):
    """No door leads there where there is no such breaker."""
    ref = queued_job(of)
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET state = 'scheduled', hold = %s, breaker_id = %s WHERE id = %s",
            [hold, breaker_id, ref.job_id],
        )
    return ref


def elsewhere(ref):
    """The same job under the name of another organization."""
    return JobRef(organization_id=organization().pk, job_id=ref.job_id)


def test_one_that_was_replayed_meanwhile_gets_no_letter():
    ref = dead_job()
    replay(ref)

    assert mend_letter(ref) == []
    assert states(ref) == ["replayed"]


def test_one_that_has_its_letter_by_now_gets_no_second():
    ref = dead_job()

    assert mend_letter(ref) == []
    assert states(ref) == ["open"]


def test_a_dead_one_without_an_open_letter_gets_one_and_a_forged_pair_none():
    ref = dead_job()
    with at(ref.organization_id):
        DeadLetter.objects.filter(job_id=ref.job_id).update(state="discarded")

    assert mend_letter(elsewhere(ref)) == []
    assert len(mend_letter(ref)) == 1
    assert states(ref) == ["discarded", "open"]


def test_one_behind_a_breaker_that_is_there_stays():
    of = organization()
    ref = behind(breaker(of).pk, of=of)

    assert mend("mend_holds", ref) == []
    assert row(ref).hold == "breaker"


def test_one_that_waits_for_something_else_by_now_stays():
    ref = behind(0, hold="draining")

    assert mend("mend_holds", ref) == []
    assert row(ref).hold == "draining"


def test_a_forged_pair_goes_on_nowhere():
    ref = behind(0)

    assert mend("mend_holds", elsewhere(ref)) == []
    assert row(ref).hold == "breaker"


def test_the_breaker_of_another_organization_holds_nobody():
    ref = behind(breaker(organization()).pk)

    assert mend("mend_holds", ref) == [{"id": ref.job_id}]
