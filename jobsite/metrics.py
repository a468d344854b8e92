"""/metrics: the jobs', and those that django-prometheus keeps of requests, in Prometheus' format.

django-prometheus' own view shows only what is in files when several processes share them, so the
queues, which are read at the scrape, would be missing.

Shown inside only: they name organizations, and what waits for each.
"""

import ipaddress
import os

from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from jobs.gauges import Gauges

BY_PROXY = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP")


def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics of this machine's processes. Raises Http404 for whoever asks from outside."""
    if not _is_inside(request):
        raise Http404
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    read = CollectorRegistry()
    read.register(Gauges())
    return HttpResponse(
        generate_latest(registry) + generate_latest(read), content_type=CONTENT_TYPE_LATEST
    )


def _is_inside(request: HttpRequest) -> bool:
    """Whether it was sent to us directly, from a private address: as a scraper does."""
    if any(name in request.META for name in BY_PROXY):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_private
    except ValueError:
        return False
