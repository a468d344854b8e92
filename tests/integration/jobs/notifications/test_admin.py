"""The family's pages, as the org admin, a viewer and an operator see them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.notifications import endpoints
from jobs.families.notifications.models import (
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    SuppressedAddress,
)
from jobs.families.notifications.webhooks.allowed import address_rules
from jobsite.demo.receivers import Receivers
from tenancy.models import User
from tests.factories import tenancy as make

from .conftest import House, opened
from .servers import answer, receiver, status

Work = Callable[[], None]


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def admin(house: House) -> Client:
    return signed_in(make.member(house.organization, role="admin"))


@pytest.fixture
def viewer(house: House) -> Client:
    return signed_in(make.member(house.organization, role="viewer"))


def page_of(row: Any, route: str = "change") -> str:
    name = f"{row._meta.app_label}_{row._meta.model_name}_{route}"
    return reverse(f"admin:{name}", args=[row.pk])


def stored(house: House, endpoint: Endpoint) -> Endpoint:
    return house.act(lambda: Endpoint.objects.get(pk=endpoint.pk))


def test_a_new_endpoint_shows_its_secret_once_and_never_again(
    house: House, receivers: Receivers, admin: Client
) -> None:
    form = {
        "organization": house.organization.pk,
        "name": "New one",
        "url": receivers.url("new"),
        "event_types": ["assignment.created"],
    }

    made = admin.post(reverse("admin:jobs_endpoint_add"), form, follow=True)

    [endpoint] = house.act(lambda: list(Endpoint.objects.all()))
    secret = made.context["secret"]
    assert (endpoint.name, endpoint.event_types) == ("New one", ["assignment.created"])
    assert secret in made.content.decode()
    assert secret not in admin.get(page_of(endpoint)).content.decode()


def test_an_address_inside_is_an_error_of_the_form(
    house: House, receivers: Receivers, settings: Settings, admin: Client
) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = []
    settings.WEBHOOK_ALLOW_HTTP = False
    form = {"organization": house.organization.pk, "name": "New one", "url": "https://localhost/"}

    page = admin.post(reverse("admin:jobs_endpoint_add"), form)

    assert address_rules().advice in page.content.decode()
    assert house.act(lambda: Endpoint.objects.count()) == 0


def test_a_test_shows_what_came_back_escaped(
    house: House, receivers: Receivers, admin: Client
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    assert admin.get(page_of(endpoint, "test")).status_code == 200
    assert receivers.hooks() == []

    page = admin.post(page_of(endpoint, "test")).content.decode()

    assert "It arrived." in page
    assert "The receiver answered 200" in page
    assert len(receivers.hooks()) == 1


def test_only_an_operator_reads_why_an_address_is_refused(
    house: House, receivers: Receivers, settings: Settings, admin: Client
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    settings.WEBHOOK_ALLOWED_HOSTS = []

    theirs = admin.post(page_of(endpoint, "test")).content.decode()
    operators = signed_in(make.operator()).post(page_of(endpoint, "test")).content.decode()

    assert address_rules().advice in theirs
    assert "127.0.0.0/8" not in theirs
    assert "127.0.0.0/8" in operators


def test_an_endpoint_is_rotated_disabled_enabled_and_deleted_with_a_reason(
    house: House, receivers: Receivers, admin: Client
) -> None:
    endpoint, secret = house.endpoint(receivers.url("ours"))

    rotated = admin.post(page_of(endpoint, "rotate"), {"reason": "It leaked."}, follow=True)
    assert rotated.context["secret"] != secret
    for route, state in [
        ("disable", EndpointState.DISABLED),
        ("enable", EndpointState.ACTIVE),
        ("remove", EndpointState.DELETED),
    ]:
        assert admin.post(page_of(endpoint, route)).status_code == 200
        assert stored(house, endpoint).state != state
        assert admin.post(page_of(endpoint, route), {"reason": "We move."}).status_code == 302
        assert stored(house, endpoint).state == state

    assert admin.get(page_of(endpoint)).status_code == 404


def test_what_its_breaker_holds_goes_on_at_the_button(
    house: House, receivers: Receivers, admin: Client
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    assert "Try again now" not in admin.get(page_of(endpoint)).content.decode()
    opened(house, endpoint)
    assert "Try again now" in admin.get(page_of(endpoint)).content.decode()

    asked = admin.post(page_of(endpoint, "try_again"))
    still_open = house.act(lambda: endpoints.outage(endpoint))
    done = admin.post(page_of(endpoint, "try_again"), {"reason": "It is mended."}, follow=True)

    assert "Send to Ours again?" in asked.content.decode()
    assert still_open is not None
    assert still_open.is_open
    assert "Ours is tried again." in done.content.decode()
    assert "Try again now" not in done.content.decode()
    [noted] = house.act(lambda: list(AuditEvent.objects.filter(action="breaker.closed")))
    assert json.loads(noted.event)["detail"]["reason"] == "It is mended."


def test_a_viewer_finds_no_such_button(house: House, receivers: Receivers, viewer: Client) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    opened(house, endpoint)

    asked = viewer.post(page_of(endpoint, "try_again"), {"reason": "It is mended."})

    assert asked.status_code in (403, 404)
    assert house.act(lambda: endpoints.outage(endpoint).is_open)  # type: ignore[union-attr]


def test_a_rotation_that_is_sent_twice_happens_once(
    house: House, receivers: Receivers, admin: Client
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    asked = admin.get(page_of(endpoint, "rotate"))
    form = {"reason": "It leaked.", **dict(asked.context["question"].hidden)}

    admin.post(page_of(endpoint, "rotate"), form)
    rotated = stored(house, endpoint)
    admin.post(page_of(endpoint, "rotate"), form)

    assert form["form_id"] in asked.content.decode()
    assert bytes(stored(house, endpoint).secret) == bytes(rotated.secret)


def test_a_viewer_sees_deliveries_and_no_endpoint(
    house: House, receivers: Receivers, viewer: Client, work: Work
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    house.assign()
    work()

    assert (
        "/admin/jobs/endpoint/" not in viewer.get(page_of(house.only("webhook"))).content.decode()
    )
    for route in ("change", "test", "rotate", "disable", "remove"):
        assert viewer.post(page_of(endpoint, route), {"reason": "x"}).status_code == 404
    assert stored(house, endpoint).state == EndpointState.ACTIVE


def test_the_page_of_a_delivery_tells_its_attempts_and_the_sums_of_its_event(
    house: House, receivers: Receivers, admin: Client, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))
    receivers.answer("ours", 500)
    house.assign()
    work()

    shown = admin.get(page_of(house.only("webhook")))

    page = shown.content.decode()
    assert shown.context["sums"] == {"Sent": 1, "Dead": 1}
    assert "Not sent: Its last retry failed. Mend the cause, then retry." in page
    assert page.count("status 500") == 10
    assert "webhook-signature: v1," in page
    assert house.person.email in page


def test_a_job_and_its_dead_letter_lead_to_the_delivery_and_the_endpoint(
    house: House, admin: Client, viewer: Client, work: Work
) -> None:
    with receiver(answer(status(410, body=b"We moved."))) as running:
        endpoint, _ = house.endpoint(running.url())
        house.assign()
        work()
    [letter] = house.dead_letters()
    delivery = house.only("webhook")

    for row in (letter, house.job(delivery)):
        page = admin.get(page_of(row)).content.decode()
        assert page_of(delivery) in page
        assert page_of(endpoint) in page
        assert "Status 410" in page
        assert "We moved." in page
        assert page_of(endpoint) not in viewer.get(page_of(row)).content.decode()


def test_deliveries_are_found_by_the_reference_of_their_mission(
    house: House, receivers: Receivers, admin: Client, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))
    house.assign()
    work()
    delivery = house.only("webhook")
    address = reverse("admin:jobs_delivery_changelist")

    def found(term: str) -> bool:
        return page_of(delivery) in admin.get(address, {"q": term}).content.decode()

    assert found(house.mission.reference)
    assert found(str(delivery.pk))
    assert not found(house.mission.reference + "x")
    assert not found("nobody@example.com")


def test_what_a_receiver_answered_is_text(
    house: House, admin: Client, receivers: Receivers, work: Work
) -> None:
    with receiver(answer(status(200, body=b"<script>alert(1)</script>"))) as running:
        house.endpoint(running.url())
        house.assign()
        work()

    page = admin.get(page_of(house.only("webhook"))).content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_why_not_is_told_for_what_was_suppressed(
    house: House, receivers: Receivers, admin: Client, work: Work
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    house.act(lambda: endpoints.disable(endpoint, "We move."))
    house.assign()
    work()

    page = admin.get(page_of(house.only("webhook"))).content.decode()
    listed = admin.get(reverse("admin:jobs_delivery_changelist")).content.decode()

    assert page_of(house.mission) in page
    assert page_of(house.mission) in listed
    assert house.mission.title in listed
    assert "Not sent: The endpoint was disabled. Nothing more happens." in page
    assert "The endpoint was disabled" in listed


def test_a_dead_delivery_is_sent_again_from_its_page(
    house: House, receivers: Receivers, admin: Client, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))
    receivers.answer("ours", 500)
    house.assign()
    work()
    receivers.answer("ours", 200)

    admin.post(page_of(house.only("webhook"), "retry"), {"reason": "repaired"})
    waiting = admin.get(page_of(house.only("webhook"))).content.decode()
    work()

    assert "is tried again" in waiting
    assert house.only("webhook").state == DeliveryState.SENT


def test_filters_of_the_list_narrow_it(
    house: House, receivers: Receivers, admin: Client, work: Work
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    house.assign()
    work()
    address = reverse("admin:jobs_delivery_changelist")

    def shown(**query: Any) -> list[Delivery]:
        return list(admin.get(address, query).context["cl"].result_list)

    mail, webhook = house.only("mail"), house.only("webhook")
    assert set(shown()) == {mail, webhook}
    assert shown(channel="mail") == [mail]
    assert shown(endpoint=endpoint.pk) == [webhook]
    assert shown(state="dead") == []
    assert shown(q=str(mail.pk)) == shown(q=house.person.email) == [mail]


def test_a_mailbox_is_blocked_by_hand_and_let_in_again(house: House, admin: Client) -> None:
    form = {"organization": house.organization.pk, "address": "Kim@Example.test"}
    admin.post(reverse("admin:jobs_suppressedaddress_add"), form)
    [blocked] = house.act(lambda: list(SuppressedAddress.objects.all()))
    assert (blocked.address, blocked.cause) == ("kim@example.test", "by_hand")

    admin.post(page_of(blocked, "delete"), {"post": "yes"})

    assert house.act(lambda: SuppressedAddress.objects.count()) == 0
