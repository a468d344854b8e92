"""Endpoints as people set them up."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from audit.models import AuditEvent
from jobs.families.notifications import endpoints
from jobs.families.notifications.errors import AddressRefused
from jobs.families.notifications.models import Endpoint
from jobs.families.notifications.webhooks.allowed import address_rules
from jobs.families.notifications.webhooks.sign import signed_headers
from jobsite.demo.receivers import Receivers
from templates.errors import UnknownTemplate

from .conftest import House, opened


def test_a_secret_is_shown_once_and_stored_encrypted(house: House, receivers: Receivers) -> None:
    endpoint, secret = house.endpoint(receivers.url("ours"))

    stored = house.act(lambda: Endpoint.objects.get(pk=endpoint.pk))

    assert secret.startswith("whsec_")
    assert secret.encode() not in bytes(stored.secret)
    assert endpoints.signing_secrets(stored, datetime.now(UTC)) == [secret]


def test_an_address_inside_and_an_unknown_event_type_are_refused_at_once(
    house: House, receivers: Receivers, settings: Settings
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    settings.WEBHOOK_ALLOWED_HOSTS = []

    for url in (
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "ftp://example.com/",
        "https://example.com:99999/",
    ):
        with pytest.raises(AddressRefused):
            house.act(lambda url=url: endpoints.change(endpoint, url=url))  # type: ignore[misc]
    with pytest.raises(UnknownTemplate):
        house.act(lambda: endpoints.change(endpoint, event_types=["mission.exploded"]))


def test_after_a_rotation_both_secrets_sign_for_a_day(house: House, receivers: Receivers) -> None:
    endpoint, old = house.endpoint(receivers.url("ours"))

    new = house.act(lambda: endpoints.rotate(endpoint))

    stored = house.act(lambda: Endpoint.objects.get(pk=endpoint.pk))
    now = datetime.now(UTC)
    signing = endpoints.signing_secrets(stored, now)
    headers = signed_headers("evt_1", b"{}", signing, at=now)
    assert signing == [new, old]
    assert Webhook(new).verify(b"{}", headers) == Webhook(old).verify(b"{}", headers) == {}
    assert endpoints.signing_secrets(stored, now + timedelta(hours=24, seconds=1)) == [new]


def test_what_is_done_to_an_endpoint_is_audited_without_its_secret(
    house: House, receivers: Receivers
) -> None:
    endpoint, secret = house.endpoint(receivers.url("ours"))
    new = house.act(lambda: endpoints.rotate(endpoint))
    house.act(lambda: endpoints.disable(endpoint, "We move."))
    house.act(lambda: endpoints.enable(endpoint))
    house.act(lambda: endpoints.remove(endpoint))

    events = house.act(
        lambda: list(AuditEvent.objects.filter(target_type="endpoint").order_by("pk"))
    )

    assert [event.action for event in events] == [
        "endpoint.created",
        "endpoint.secret_rotated",
        *["endpoint.changed"] * 3,
    ]
    texts = [str(event.event) for event in events]
    assert not any(hidden in text for text in texts for hidden in (secret, new))


def test_a_test_goes_through_the_same_transport_even_when_disabled(
    house: House, receivers: Receivers
) -> None:
    endpoint, secret = house.endpoint(receivers.url("ours"))
    house.act(lambda: endpoints.disable(endpoint, "We move."))

    result = house.act(lambda: endpoints.send_test(endpoint))

    [hook] = receivers.hooks()
    assert result.succeeded
    assert "200" in result.text
    assert Webhook(secret).verify(hook.body, hook.headers)["test"] is True


def test_a_test_that_fails_says_so_in_the_words_of_the_organization(
    house: House, receivers: Receivers, settings: Settings
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    receivers.answer("ours", 500)
    broken = house.act(lambda: endpoints.send_test(endpoint))
    settings.WEBHOOK_ALLOWED_HOSTS = []

    refused = house.act(lambda: endpoints.send_test(endpoint))

    assert (broken.succeeded, "500" in broken.text) == (False, True)
    assert not refused.succeeded
    assert refused.text.endswith(address_rules().advice)
    assert len(receivers.hooks()) == 1


def test_disabling_or_deleting_an_endpoint_lets_go_what_its_breaker_holds(
    house: House, receivers: Receivers
) -> None:
    for end in (lambda one: endpoints.disable(one, "moved"), endpoints.remove):
        endpoint, _ = house.endpoint(receivers.url("ours"))
        opened(house, endpoint)
        assert house.act(lambda one=endpoint: endpoints.outage(one).is_open)  # type: ignore[misc]

        house.act(lambda one=endpoint, end=end: end(one))  # type: ignore[misc]

        state = house.act(lambda one=endpoint: endpoints.outage(one))  # type: ignore[misc]
        assert state is None or not state.is_open
