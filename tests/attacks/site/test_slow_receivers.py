"""A receiver that takes its time keeps one thread of the web process, not all of them."""

import socket

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from jobs.families.notifications import endpoints
from jobs.families.notifications.endpoints import TestResult
from jobs.models import Endpoint
from tenancy.scope import scope
from tests.factories import notifications
from tests.integration.jobs.notifications.servers import receiver, status

pytestmark = pytest.mark.django_db(transaction=True)


def sent_test(to: Endpoint) -> TestResult:
    with scope(to.organization_id), transaction.atomic():
        return endpoints.send_test(to)


def test_an_organization_sends_one_test_at_a_time_and_others_theirs(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_HTTP, settings.WEBHOOK_ALLOWED_PORTS = True, []
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    meanwhile: list[TestResult] = []

    def dawdle(stream: socket.socket, request: bytes) -> None:
        if len(slow.requests) == 1:
            meanwhile.extend([sent_test(ours), sent_test(theirs)])
            connection.close()
        stream.sendall(status(200))

    with receiver(dawdle) as slow:
        ours, theirs = (notifications.endpoint(url=slow.url()) for _ in range(2))

        first = sent_test(ours)

    assert [one.succeeded for one in (first, *meanwhile)] == [True, False, True]
    assert "Another test" in meanwhile[0].text
