"""What is secret stays out of log lines, error pages, mails' links and what strangers may read."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.views.debug import get_default_exception_reporter_filter
from pytest_django import Settings

from jobsite import addresses
from jobsite.environment import BadVariable
from tests.factories import tenancy
from tests.integration.jobs.execution.conftest import logged  # noqa: F401 - fixture

pytestmark = pytest.mark.django_db(transaction=True)

type Logged = Callable[[], list[dict[str, Any]]]

TOKEN = "c1b2a3-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        (f"/admin/password/choose/MQ/{TOKEN}/", TOKEN),
        (f"/invitations/1/{'5e' * 32}/", "5e" * 32),
        ("/api/v1/organizations/1/u/abcDEF_-0123", "abcDEF_-0123"),
        ("/api/v1/organizations/1/u/abcDEF_-0123/more", "abcDEF_-0123"),
    ],
)
def test_a_token_in_an_address_is_in_no_log_line(
    logged: Logged,  # noqa: F811
    address: str,
    secret: str,
) -> None:
    Client().get(address)

    assert logged(), "nothing was logged"
    assert secret not in str(logged())


def test_the_error_page_of_debug_shows_no_address_with_a_password(settings: Settings) -> None:
    settings.DATABASE_URL = "postgresql://app:hunter2@db/control"
    settings.DRAMATIQ_BROKER = {"OPTIONS": {"url": "redis://:hunter2@redis"}}

    shown = get_default_exception_reporter_filter().get_safe_settings()

    assert "hunter2" not in str(shown)


def test_a_database_address_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(BadVariable) as refused:
        addresses.database("postgresql://app:hunter2%ss@db/control", engine="any")

    assert "hunter2" not in str(refused.value)


def test_the_link_to_a_new_password_leads_to_us_whatever_the_request_says(
    settings: Settings, mailoutbox: list[mail.EmailMessage]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    person = tenancy.member(tenancy.organization())

    Client().post(
        reverse("password_forgotten"),
        {"email": person.email},
        headers={"Host": "evil.example:8443"},
    )

    [sent] = mailoutbox
    assert "evil.example" not in sent.body
    assert f"{settings.PUBLIC_URL}/admin/password/choose/" in sent.body


def test_metrics_are_for_those_who_ask_directly_from_inside() -> None:
    for address in ("127.0.0.1", "10.1.2.3", "fd00::7"):
        assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 200, address


@pytest.mark.parametrize(
    "asks",
    [
        {"REMOTE_ADDR": "8.8.8.8"},
        {"REMOTE_ADDR": "2001:4860:4860::8888"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.0.0.1"},
        {"REMOTE_ADDR": "10.0.0.1", "HTTP_FORWARDED": "for=10.0.0.1"},
        {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_REAL_IP": "8.8.8.8"},
    ],
)
def test_metrics_which_name_organizations_are_not_there_for_others(asks: dict[str, str]) -> None:
    assert Client(**asks).get("/metrics").status_code == 404  # type: ignore[arg-type]
