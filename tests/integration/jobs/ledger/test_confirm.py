"""confirm: that Redis has a message is noted once, for a job that waits for it."""

import pytest
from django.db import connection, transaction

from jobs.ledger.publish import confirm
from tenancy.scope import engine_scope
from tests.factories.jobs import at, claim, queued_job, row
from tests.integration.jobs.ledger.lines import reference

pytestmark = pytest.mark.django_db


def confirmed(ref):
    in_redis = reference(ref)
    with engine_scope(), transaction.atomic():
        confirm([in_redis])
    return row(ref).published_at


def test_a_queued_job_is_noted():
    assert confirmed(queued_job())


def test_the_first_time_counts():
    ref = queued_job()
    first = confirmed(ref)

    assert confirmed(ref) == first


def test_what_a_worker_has_begun_is_left_alone():
    ref = queued_job()
    claim(ref)
    with at(ref.organization_id), connection.cursor() as cursor:
        # As a claim that was made before it was noted there.
        cursor.execute("UPDATE jobs_job SET published_at = NULL WHERE id = %s", [ref.job_id])

    assert confirmed(ref) is None
