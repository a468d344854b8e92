"""A worker of all groups costs next to nothing while a thousand organizations have no work."""

import pytest
from django.db import transaction

from jobs.ledger import NewJob, enqueue_many
from jobs.ledger.publish import queues
from tenancy import changes
from tenancy.models import Organization
from tenancy.scope import operator_scope
from tests.chaos import job_types
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

MOST_THREADS = 24


def test_a_thousand_idle_organizations_need_few_threads(fleet):
    with operator_scope("a test"), transaction.atomic():
        made = changes.create_many(
            [Organization(name=f"O {n}", slug=f"idle-{n}") for n in range(1_000)]
        )
        new = [
            NewJob(
                payload=job_types.Work(path=str(fleet.folder / "sent")),
                organization_id=of.pk,
                entity=("work", "1"),
            )
            for of in made
        ]
        enqueue_many(job_types.SEND, new)

    worker = fleet.worker("notifications", "indexing", "backfill", "audit", threads=8)
    eventually(lambda: len(sent(fleet)) == 1_000, within=60)
    eventually(lambda: queues().totals("audit").leased == 0)

    assert worker.running.num_threads() <= MOST_THREADS


def sent(fleet) -> list[str]:
    file = fleet.folder / "sent"
    return file.read_text().splitlines() if file.exists() else []
