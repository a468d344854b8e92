"""The list of workers and a worker's page, for operators."""

import re

import pytest
from django.db import transaction
from django.urls import reverse

from jobs.ledger.models import Worker
from tenancy.scope import engine_scope
from tests.factories import tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def worker(key: str) -> Worker:
    with engine_scope(), transaction.atomic():
        return Worker.objects.create(
            id=key, host="blue", pid=7, queue_groups=["notifications"], version="9"
        )


def test_each_worker_of_the_list_leads_to_its_page() -> None:
    worker("blue_3A:7:0b/1c")
    operator = signed_in(tenancy.operator())

    page = operator.get(reverse("admin:jobs_worker_changelist")).content.decode()
    [link] = set(re.findall(r'href="(/admin/jobs/worker/[^"?]+/change/)', page))
    shown = operator.get(link)

    assert shown.status_code == 200
    assert "blue, process 7" in shown.content.decode()
