"""The path of an event: written, fanned out, delivered by both channels, each with one end."""

import pytest
from standardwebhooks.webhooks import Webhook

from jobs.families.notifications.models import DeliveryState
from jobsite.demo.receivers import Receivers

from .conftest import House

pytestmark = pytest.mark.usefixtures("worker")


def test_an_assignment_arrives_as_a_mail_and_as_a_signed_webhook(
    house: House, receivers: Receivers
) -> None:
    endpoint, secret = house.endpoint(receivers.url("ours"))

    house.assign()

    mail, webhook = house.settled(2)
    [hook] = receivers.hooks()
    [received] = receivers.mails()
    assert (mail.state, webhook.state) == (DeliveryState.SENT, DeliveryState.SENT)
    assert received.recipients == [house.person.email]
    assert received.message_id == f"<{mail.pk}@localhost>"
    assert house.mission.title in received.text
    assert hook.webhook_id == str(webhook.pk)
    assert Webhook(secret).verify(hook.body, hook.headers)["type"] == "assignment.created"
    assert webhook.endpoint == endpoint
