import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from jobs import metrics
from jobs.broker.messages import Entry
from jobs.ledger.publish import queues
from tests.factories import alerts, jobs
from tests.factories.tenancy import organization

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def _in_line(redis_url: str, transactional_db: None) -> None:
    if queues().epoch() is None:
        queues().open_epoch()


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_counted_by_how_it_ended() -> None:
    with jobs.declared(lambda _: None) as job_type:
        job = jobs.running_job(job_type=job_type)
        of_job = {"queue_group": job.group, "job_type": job.job_type}

        with metrics.observe_started(job):
            metrics.observe_failed(job, dead=None)
        with metrics.observe_started(job):
            metrics.observe_failed(job, dead="retries_exhausted")
        with metrics.observe_started(job):
            metrics.observe_succeeded(job)

        assert _value("jobs_wait_seconds_count", **of_job) == 3
        assert _value("jobs_processing_seconds_count", **of_job) == 3
        assert _value("jobs_failed_total", **of_job) == 2
        assert _value("jobs_retried_total", **of_job) == 1
        assert _value("jobs_succeeded_total", **of_job) == 1
        dead = _value("jobs_dead_lettered_total", **of_job, reason="retries_exhausted")
        assert dead == 1


def test_a_job_type_that_only_a_message_names_makes_no_series() -> None:
    forged = f"forged.{uuid4().hex}"

    metrics.observe_dead("backfill", forged, reason="unknown_job_type")

    assert forged not in str(list(REGISTRY.collect()))


@pytest.mark.usefixtures("_in_line")
def test_a_scrape_tells_how_much_waits_and_for_how_long(client: Client) -> None:
    busy = organization()
    with jobs.declared(lambda _: None) as job_type:
        jobs.queued_job(busy, job_type)
        jobs.queued_job(busy, job_type)
    alerts.open_alert(busy)  # of a hundred that are named, those in trouble come first

    page = client.get("/metrics").content.decode()

    labels = f'{{organization_id="{busy.pk}",queue_group="backfill"}}'
    assert f"jobs_queue_depth{labels} 2.0" in page
    assert f"jobs_oldest_age_seconds{labels}" in page


@pytest.mark.usefixtures("_in_line")
def test_at_most_a_hundred_organizations_are_named_and_the_rest_is_summed(client: Client) -> None:
    first = 8_000_000_000
    queues().enqueue(
        Entry(
            organization_id=first + number,
            group="audit",
            message_id=uuid4().hex,
            body=b"{}",
        )
        for number in range(130)
    )

    lines = client.get("/metrics").content.decode().splitlines()

    depths = [
        line
        for line in lines
        if line.startswith("jobs_queue_depth{") and 'queue_group="audit"' in line
    ]
    total = sum(float(line.rpartition(" ")[2]) for line in depths)
    named = {name for line in lines for name in re.findall(r'organization_id="(\d+)"', line)}
    assert 0 < len(named) <= 100  # fewer where one with an alert has nothing to show
    assert total == queues().totals("audit").waiting


@pytest.mark.usefixtures("_in_line")
def test_a_scrape_tells_of_workers_relay_alerts_and_memory(client: Client) -> None:
    of = organization()
    alerts.open_alert(of)
    jobs.worker()

    page = client.get("/metrics").content.decode()

    values = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(values['jobs_alerts_open{alert="jobs_fail"}']) >= 1
    assert float(values['jobs_workers{queue_group="backfill"}']) >= 1
    assert float(values["jobs_relay_lag_seconds"]) >= 0
    assert float(values["jobs_alerts_untold"]) >= 0
    assert float(values["jobs_redis_memory_bytes"]) > 100_000
    assert values['jobs_oldest_allowed_seconds{queue_group="backfill"}'] == "3600.0"


@pytest.mark.usefixtures("_in_line")
def test_an_organization_with_an_alert_is_named_though_a_hundred_wait_longer(
    client: Client,
) -> None:
    crowd = {8_100_000_000 + number: uuid4().hex for number in range(130)}
    queues().enqueue(
        Entry(organization_id=key, group="indexing", message_id=message, body=b"{}")
        for key, message in crowd.items()
    )
    of = organization()
    alerts.open_alert(of)
    with jobs.declared(lambda _: None, group="indexing") as job_type:
        jobs.queued_job(of, job_type)

    page = client.get("/metrics").content.decode()

    assert f'jobs_queue_depth{{organization_id="{of.pk}",queue_group="indexing"}} 1.0' in page
    for key, message in crowd.items():
        queues().remove("indexing", key, [message])


def test_the_counts_of_all_processes_are_added_up(tmp_path: Path) -> None:
    count = (
        "import django; django.setup()\n"
        "from jobs import metrics\n"
        "metrics.observe_dead('audit', '-', reason='worker_lost')\n"
    )
    show = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "print(Client().get('/metrics').content.decode())\n"
    )

    for _ in range(3):
        _python(count, tmp_path)
    page = _python(show, tmp_path)

    labels = '{job_type="unknown",queue_group="audit",reason="worker_lost"}'
    assert f"jobs_dead_lettered_total{labels} 3.0" in page
    assert "django_http_requests_total" in page


def _python(code: str, metrics_dir: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "jobsite.settings",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
