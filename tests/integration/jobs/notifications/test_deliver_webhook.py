"""One event to one endpoint: what each answer leads to."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook

from audit.models import AuditEvent
from jobs import deadletters
from jobs.execution import failing
from jobs.families.notifications import endpoints
from jobs.families.notifications.deliver_webhook import bounded
from jobs.families.notifications.models import Delivery, DeliveryState, Endpoint, EndpointState
from jobs.families.notifications.webhooks.allowed import address_rules
from jobs.ledger import breakers, relay
from jobs.ledger.states import Hold
from jobsite.demo.receivers import Receivers
from tenancy.acting import Actor
from tests.factories import tenancy as make
from tests.waiting import eventually

from .conftest import House, opened
from .servers import answer, receiver, status

Work = Callable[[], None]


def test_a_broken_receiver_makes_a_dead_letter_and_a_repaired_one_gets_the_replay(
    house: House, receivers: Receivers, work: Work
) -> None:
    _, secret = house.endpoint(receivers.url("ours"))
    receivers.answer("ours", 500)
    house.assign()
    work()
    dead = house.only("webhook")
    assert (dead.state, dead.reason) == (DeliveryState.DEAD, "retries_exhausted")
    assert len(house.attempts(dead)) == 10

    receivers.answer("ours", 200)
    job = house.job(dead)
    house.actor = Actor.user(make.member(house.organization, role="admin").pk)
    outcome = house.act(lambda: deadletters.retry([job.pk], reason="repaired"))
    work()

    hooks = receivers.hooks("ours")
    assert outcome.done == 1
    assert house.only("webhook").state == DeliveryState.SENT
    assert [hook.answered for hook in hooks] == [500] * 10 + [200]
    assert {hook.webhook_id for hook in hooks} == {str(dead.pk)}
    assert all(Webhook(secret).verify(hook.body, hook.headers) for hook in hooks)


def test_the_log_of_an_attempt_shows_what_went_out_and_what_came_back(
    house: House, work: Work
) -> None:
    with receiver(answer(status(503, "Retry-After: 0", body=b"<b>down</b>\x00"))) as running:
        house.endpoint(running.url())
        house.assign()
        work()
        attempt = house.attempts(house.only("webhook"))[0]

    assert (attempt.response_status, attempt.reason) == (503, "receiver_failed")
    assert attempt.response_body == "<b>down</b>\ufffd"
    assert attempt.address == "127.0.0.1"
    assert attempt.latency_ms is not None
    assert attempt.request_body.encode() in running.requests[0]
    assert attempt.request_headers["webhook-signature"].encode() in running.requests[0]


def test_a_dead_letter_names_the_endpoint_and_its_host_but_not_its_path(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))
    receivers.answer("ours", 500)
    house.assign()

    work()

    [letter] = house.dead_letters()
    assert letter.error_message == "Ours (127.0.0.1): The receiver answered 500."


def test_410_disables_the_endpoint_and_is_audited(
    house: House, receivers: Receivers, work: Work
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    receivers.answer("ours", 410)
    house.assign()

    work()

    webhook = house.only("webhook")
    now = house.act(lambda: Endpoint.objects.get(pk=endpoint.pk))
    events = house.act(lambda: list(AuditEvent.objects.filter(action="endpoint.changed")))
    assert (webhook.state, webhook.reason) == (DeliveryState.DEAD, "endpoint_gone")
    assert (now.state, len(receivers.hooks())) == (EndpointState.DISABLED, 1)
    assert len(events) == 1


def test_a_redirect_is_a_failure_and_is_not_followed(
    house: House, receivers: Receivers, work: Work
) -> None:
    moved = status(307, f"Location: {receivers.url('inside')}")
    with receiver(answer(moved)) as running:
        house.endpoint(running.url())
        house.assign()
        work()

    webhook = house.only("webhook")
    assert (webhook.state, webhook.reason) == (DeliveryState.DEAD, "retries_exhausted")
    assert receivers.hooks() == []


def test_an_address_inside_is_refused_at_delivery_with_one_text(
    house: House, receivers: Receivers, settings: Settings, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))
    settings.WEBHOOK_ALLOWED_HOSTS = []
    house.assign()

    work()

    webhook = house.only("webhook")
    [attempt] = house.attempts(webhook)
    [letter] = house.dead_letters()
    assert (webhook.state, webhook.reason) == (DeliveryState.DEAD, "address_refused")
    assert attempt.error.endswith(address_rules().advice)
    assert letter.error_message.endswith(address_rules().advice)
    assert "127.0.0.1" in attempt.detail
    assert receivers.hooks() == []


def test_an_endpoint_that_was_disabled_meanwhile_gets_nothing(
    house: House, receivers: Receivers, work: Work
) -> None:
    endpoint, _ = house.endpoint(receivers.url("ours"))
    house.assign()
    house.fan_out()
    house.act(lambda: endpoints.disable(endpoint, "We move."))

    work()

    webhook = house.only("webhook")
    assert (webhook.state, webhook.reason) == (DeliveryState.DEAD, "endpoint_disabled")
    assert receivers.hooks() == []


def test_what_its_breaker_held_dies_with_an_endpoint_that_is_disabled(
    house: House, receivers: Receivers, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failing, "FRESH_SECONDS", -1.0)
    endpoint, _ = house.endpoint(receivers.url("ours"))
    opened(house, endpoint)
    house.assign()
    house.fan_out()
    work()
    assert house.job(house.only("webhook")).hold == Hold.BREAKER

    house.act(lambda: endpoints.disable(endpoint, "We move."))

    def let_go() -> bool:
        breakers.step()
        relay.publish_due()
        return house.job(house.only("webhook")).state == "queued"

    eventually(let_go)
    work()

    webhook = house.only("webhook")
    assert (webhook.state, webhook.reason) == (DeliveryState.DEAD, "endpoint_disabled")
    assert receivers.hooks() == []


def test_a_receiver_of_one_organization_never_sees_anothers_event(
    house: House, receivers: Receivers, work: Work
) -> None:
    other = make.organization()
    stranger = House(
        organization=other,
        actor=Actor.user(make.member(other).pk),
        mission=make.mission(make.project(other)),
        person=make.collaborator(other),
    )
    stranger.endpoint(receivers.url("stranger"))

    house.assign()
    work()

    assert receivers.hooks() == []
    assert stranger.act(lambda: Delivery.objects.filter(channel="webhook").count()) == 0


@pytest.mark.parametrize(
    ("asked", "honoured"),
    [(None, None), (1, 300), (400, 400), (86400, 600)],
)
def test_retry_after_is_honoured_between_one_and_two_delays(
    asked: int | None, honoured: int | None
) -> None:
    wait = bounded(None if asked is None else timedelta(seconds=asked), timedelta(minutes=5))

    assert wait == (None if honoured is None else timedelta(seconds=honoured))
