"""sign_off: a worker ends, and what it still has is free at once."""

import pytest
from django.db import transaction

from jobs.ledger.statements import run
from tenancy.scope import engine_scope
from tests.factories.jobs import claim, running_job, worker

pytestmark = pytest.mark.django_db


def test_what_it_had_is_free_and_what_others_have_is_not():
    mine, theirs = worker(), worker()
    left, kept = running_job(worker_id=mine).ref, running_job(worker_id=theirs).ref

    with engine_scope(), transaction.atomic():
        run("sign_off", {"id": mine})

    assert (claim(left).answer, claim(kept).answer) == ("claimed", "held")
