"""A worker of all groups costs next to nothing while a thousand organizations have no work."""

import pytest
from django.db import transaction

from jobs.job_types import GROUPS
from jobs.ledger import NewJob, enqueue_many
from jobs.ledger.publish import queues
from tenancy import changes
from tenancy.models import Organization
from tenancy.scope import operator_scope
from tests.chaos import job_types
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

MOST_THREADS = 24


def test_a_thousand_idle_organizations_need_few_threads(world, fleet):
    with operator_scope("a test"), transaction.atomic():
        made = changes.create_many(
            [Organization(name=f"O {n}", slug=f"idle-{n}") for n in range(1_000)]
        )
        new = [
            NewJob(payload=job_types.Work(), organization_id=of.pk, entity=("work", "1"))
            for of in made
        ]
        enqueue_many(job_types.NOTE, new)

    worker = fleet.worker(*GROUPS, threads=8)
    eventually(lambda: starts(world) == 1_000, within=120)
    eventually(lambda: queues().totals("audit").leased == 0)

    assert worker.running.num_threads() <= MOST_THREADS


def starts(world) -> int:
    [[count]] = world.ask("SELECT count(*) FROM drill.start")
    return count
