"""The list of workers and a worker's page, for operators."""

import re

import pytest
from django.contrib.admin.utils import quote
from django.db import transaction
from django.urls import reverse
from pytest_django import Settings

from jobs.ledger.models import Worker
from jobs.scheduler import SCHEDULER
from tenancy.scope import engine_scope
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def worker(key: str) -> Worker:
    with engine_scope(), transaction.atomic():
        return Worker.objects.create(
            id=key, host="blue", pid=7, queue_groups=["notifications"], version="9"
        )


def test_the_dashboard_counts_workers_without_schedulers(settings: Settings) -> None:
    settings.JOBS_LEASE_SECONDS = 10**6  # those that others left are not lost meanwhile
    operator = signed_in(tenancy.operator())

    def workers() -> int:
        tiles = operator.get(reverse("admin:index")).context["numbers"].tiles
        return next(int(tile.value) for tile in tiles if tile.title == "Workers")

    before = workers()
    with engine_scope(), transaction.atomic():
        Worker.objects.create(id="blue:8:s", host="blue", pid=8, queue_groups=[SCHEDULER])
    assert workers() == before
    worker("blue:9:w")
    assert workers() == before + 1


def test_its_page_tells_since_when_it_has_a_job_and_which_were_lost_with_it() -> None:
    operator = signed_in(tenancy.operator())
    mine = jobs.worker()
    address = reverse("admin:jobs_worker_change", args=[quote(mine)])
    lost, has = jobs.running_job(worker_id=mine), jobs.claimed_job(worker_id=mine)
    since = jobs.row(has.ref).claimed_at
    assert since

    page = operator.get(address).content.decode()

    assert f"{has.ref.job_id}</a>, since {since:%H:%M:%S}" in page
    jobs.fall_silent(mine)
    for job in (lost, has):
        jobs.claim(job.ref)
    told = operator.get(address).context["lost"]
    assert [one.job_id for one in told] == [lost.ref.job_id]


def test_each_worker_of_the_list_leads_to_its_page() -> None:
    worker("~blue_3A:7:0b/1c")  # the first in the order of the list, whoever else is there
    operator = signed_in(tenancy.operator())

    page = operator.get(reverse("admin:jobs_worker_changelist")).content.decode()
    links = set(re.findall(r'href="(/admin/jobs/worker/[^"?]+/change/)', page))
    shown = [operator.get(link) for link in links]

    assert shown
    assert {one.status_code for one in shown} == {200}
    assert any("blue, process 7" in one.content.decode() for one in shown)
