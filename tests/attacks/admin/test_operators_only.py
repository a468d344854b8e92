"""What only operators may know of a job: which machine ran it, and where its code was then.

A traceback quotes the errors beneath ours, with the addresses that our texts leave out.
"""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import JobRef
from tenancy.models import Organization, Role
from tenancy.scope import scope
from tests.factories import tenancy
from tests.factories.admin import signed_in
from tests.factories.api import Caller
from tests.factories.jobs import claim, fall_silent, queued_job, started, worker

pytestmark = pytest.mark.django_db(transaction=True)

FAILURE = Failure(
    error_class="ConnectFailed",
    message="No connection.",
    frame="jobs/families/notifications/webhooks/send.py:205 _connect",
    traceback="NewConnectionError: host='10.20.30.40'",
)


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def worker_id() -> str:
    return worker()


@pytest.fixture
def job(own: Organization, worker_id: str) -> JobRef:
    """One whose first worker died, and whose second attempt failed at an address."""
    ref = queued_job(own)
    started(claim(ref, worker_id))
    fall_silent(worker_id)
    job = started(claim(ref))
    with scope(own), transaction.atomic():
        transitions.retry(job, delay=timedelta(hours=1), failure=FAILURE)
    return ref


def page(client: Client, ref: JobRef) -> str:
    answer = client.get(reverse("admin:jobs_job_change", args=[ref.job_id]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("role", Role.values)
def test_a_member_sees_the_error_of_a_job_and_not_what_lies_beneath(
    own: Organization, job: JobRef, worker_id: str, role: str
) -> None:
    shown = page(signed_in(tenancy.member(own, role=role)), job)

    assert "No connection." in shown
    for hidden in (worker_id, "10.20.30.40", FAILURE.frame):
        assert hidden not in shown


def test_an_operator_sees_all_of_it(own: Organization, job: JobRef, worker_id: str) -> None:
    shown = page(signed_in(tenancy.operator()), job)

    for one in (worker_id, "10.20.30.40", FAILURE.frame):
        assert one in shown


def test_a_program_is_told_as_little_as_a_member(
    own: Organization, job: JobRef, worker_id: str
) -> None:
    answer = Caller.of(own, role=Role.OWNER).get(f"/jobs/{job.job_id}")

    assert answer.status_code == 200
    for hidden in (worker_id, "10.20.30.40", FAILURE.frame):
        assert hidden not in answer.content.decode()
