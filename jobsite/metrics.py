"""/metrics: the jobs', and those that django-prometheus keeps of requests, in Prometheus' format.

django-prometheus' own view shows only what is in files when several processes share them, so the
queues, which are read at the scrape, would be missing.
"""

import os

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from jobs.metrics import QueueMetrics


def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics of this machine's processes."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    queues = CollectorRegistry()
    queues.register(QueueMetrics())
    return HttpResponse(
        generate_latest(registry) + generate_latest(queues), content_type=CONTENT_TYPE_LATEST
    )
