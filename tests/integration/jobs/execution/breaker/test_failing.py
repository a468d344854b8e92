"""failing: which destinations have failed lately, as one process knows them."""

import pytest

from jobs.execution.failing import Failing
from jobs.ledger.breakers import Breaker
from tests.factories.jobs import at
from tests.integration.jobs.execution.breaker.destinations import fail, key
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def test_after_the_first_look_only_what_failed_since_is_read(of, job_type):
    old, new = key(of, job_type, "old"), key(of, job_type, "new")
    known = Failing()
    assert new not in known
    fail(of, job_type, to="before")
    eventually(lambda: key(of, job_type, "before") in known)

    fail(of, job_type, to="old")
    with at(of):
        Breaker.objects.filter(destination="old").update(failed_at="2000-01-01T00:00Z")
    fail(of, job_type, to="new")

    eventually(lambda: new in known)
    assert old not in known
    assert old in Failing()
