"""close: a person says that the destination may be tried again."""

import pytest

from audit.models import AuditEvent
from jobs.ledger import breakers
from tests.factories.jobs import at, row
from tests.integration.jobs.execution.breaker.destinations import (
    fail,
    held,
    hours_open,
    key,
    now_due,
    state_of,
    steps,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_closes_it_and_the_log_says_why(of, job_type):
    fail(of, job_type, 3)
    ref = held(of, job_type)

    with at(of):
        assert breakers.close(key(of, job_type), reason="the receiver is back")
        assert not breakers.close(key(of, job_type), reason="again")

    steps(lambda: row(ref).hold is None)
    with at(of):
        event = AuditEvent.objects.get(action="breaker.closed")
    assert '"the receiver is back"' in event.event


def test_it_is_as_if_it_had_never_failed(of, job_type):
    fail(of, job_type, 3)
    now_due(of)
    fail(of, job_type)
    ref = held(of, job_type)
    now_due(of)
    steps(lambda: row(ref).hold is None)

    with at(of):
        breakers.close(key(of, job_type), reason="the receiver is back")

    assert state_of(of, job_type).probe_job_id is None
    fail(of, job_type, 2)
    assert not state_of(of, job_type).is_open
    fail(of, job_type)
    assert hours_open(of) == 1
