"""Jobs that are due and not in Redis."""

from datetime import UTC, datetime, timedelta

from django.db import connection

from jobs.ledger.publish import queues
from jobs.ledger.transitions import JobRef
from tenancy.models import Organization
from tests.factories.jobs import at, queued_job


def unpublished_job(of: Organization | None = None, age: str = "2 seconds") -> JobRef:
    """A job whose process died between commit and publish."""
    ref = queued_job(of)
    return crashed_before_publish(ref, age)


def crashed_before_publish(ref: JobRef, age: str = "2 seconds") -> JobRef:
    """As its process left it; no door makes time pass."""
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET published_at = NULL, created_at = created_at - %(age)s::interval,"
            " run_at = run_at - %(age)s::interval WHERE id = %(id)s",
            {"age": age, "id": ref.job_id},
        )
    queues().remove("backfill", ref.organization_id, [str(ref.job_id)])
    return ref


def scheduled_job(
    of: Organization | None = None, due_in: timedelta = timedelta(milliseconds=-1)
) -> JobRef:
    """A job that was for later, and whose time has come."""
    ref = queued_job(of, run_at=datetime.now(UTC) + timedelta(hours=1))
    with at(ref.organization_id), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET run_at = clock_timestamp() + %s WHERE id = %s",
            [due_in, ref.job_id],
        )
    return ref
