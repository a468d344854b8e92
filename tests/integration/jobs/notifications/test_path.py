"""The path of an event: written, fanned out, delivered by both channels, each with one end."""

from collections import Counter
from collections.abc import Callable

from standardwebhooks.webhooks import Webhook

from jobs import control
from jobs.families.notifications import endpoints
from jobs.families.notifications.models import (
    DeliveryState,
    Subscription,
    SuppressedAddress,
    SuppressionCause,
)
from jobs.ledger.models import Job
from jobsite.demo.receivers import Receivers
from tenancy import changes
from tenancy.acting import Actor
from tenancy.models import Assignment, Collaborator, Membership
from tests.factories import tenancy as make

from .conftest import House

Work = Callable[[], None]


def test_an_assignment_arrives_as_a_mail_and_as_a_signed_webhook(
    house: House, receivers: Receivers, work: Work
) -> None:
    _, secret = house.endpoint(receivers.url("ours"))

    house.assign()
    work()

    mail, webhook = house.only("mail"), house.only("webhook")
    [hook], [received] = receivers.hooks(), receivers.mails()
    assert (mail.state, webhook.state) == (DeliveryState.SENT, DeliveryState.SENT)
    assert received.recipients == [house.person.email]
    assert received.message_id == f"<{mail.pk}@localhost>"
    assert house.mission.title in received.text
    assert received.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert hook.webhook_id == str(webhook.pk)
    assert Webhook(secret).verify(hook.body, hook.headers)["type"] == "assignment.created"


def test_event_fan_out_and_deliveries_share_correlation_id_and_actor(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))

    house.assign()
    work()

    [event] = {one.event for one in house.deliveries()}
    caused = Job.objects.filter(correlation_id=event.correlation_id)
    jobs = house.act(lambda: list(caused.exclude(actor_id="system")))
    assert sorted(job.job_type for job in jobs) == [
        "notifications.deliver_mail",
        "notifications.deliver_webhook",
        "notifications.fan_out",
    ]
    assert {job.actor_id for job in jobs} == {str(house.actor)}


def test_every_recipient_and_channel_ends_once_with_its_reason(
    house: House, receivers: Receivers, work: Work
) -> None:
    people = [make.collaborator(house.organization) for _ in range(4)]
    muted, inactive, bounced, lost = people

    def set_up() -> None:
        for person in people:
            changes.create(
                Assignment(
                    organization=house.organization, mission=house.mission, collaborator=person
                )
            )
        changes.create(
            Subscription(
                organization=house.organization,
                collaborator=muted,
                event_type="assignment.created",
                muted=True,
            )
        )
        changes.update(inactive, status=Collaborator.Status.INACTIVE)
        changes.create(
            SuppressedAddress(
                organization=house.organization,
                address=bounced.email,
                cause=SuppressionCause.BOUNCED,
            )
        )
        changes.update(lost, user=make.person())

    house.act(set_up)
    work()
    disabled, _ = house.endpoint(receivers.url("disabled"))
    house.act(lambda: endpoints.disable(disabled, "We move."))
    house.endpoint(receivers.url("other"), "mission.completed")
    house.endpoint(receivers.url("ours"))
    before = len(receivers.mails())

    house.assign()
    work()

    event = max(one.event_id for one in house.deliveries())
    ended = [one for one in house.deliveries() if one.event_id == event]
    assert Counter(one.state for one in ended) == {"sent": 2, "suppressed": 5}
    assert {one.mailbox or one.recipient: one.reason for one in ended if one.reason} == {
        muted.email: "muted",
        inactive.email: "recipient_inactive",
        bounced.email: "address_suppressed",
        lost.email: "recipient_revoked",
        f"endpoint:{disabled.pk}": "endpoint_disabled",
    }
    assert len(receivers.mails()) - before == 1
    assert [hook.name for hook in receivers.hooks()] == ["ours"]


def test_a_fan_out_that_runs_again_adds_nothing(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.assign()
    first = house.fan_out()

    second = house.fan_out()
    work()

    assert (len(first), second) == (1, [])
    assert len(receivers.mails()) == 1


def test_a_write_that_is_rolled_back_tells_nobody(
    house: House, receivers: Receivers, work: Work
) -> None:
    class Undone(Exception):
        pass

    def assign_and_fail() -> None:
        changes.create(
            Assignment(
                organization=house.organization, mission=house.mission, collaborator=house.person
            )
        )
        raise Undone

    try:
        house.act(assign_and_fail)
    except Undone:
        work()

    assert (house.deliveries(), receivers.mails()) == ([], [])


def test_who_is_relieved_and_who_takes_over_both_hear_of_it(
    house: House, receivers: Receivers, work: Work
) -> None:
    other = make.collaborator(house.organization)
    assignment = house.assign()
    work()

    house.act(lambda: changes.update(assignment, collaborator=other))
    work()

    told = {one.mailbox for one in house.deliveries("assignment.reassigned")}
    assert told == {house.person.email, other.email}


def test_a_subscription_for_a_project_hears_of_that_project_only(
    house: House, receivers: Receivers, work: Work
) -> None:
    elsewhere = make.project(house.organization)
    here, there = (make.collaborator(house.organization) for _ in range(2))
    for person, project in ((here, house.mission.project), (there, elsewhere)):
        house.act(
            lambda person=person, project=project: changes.create(  # type: ignore[misc]
                Subscription(
                    organization=house.organization,
                    collaborator=person,
                    event_type="mission.completed",
                    project=project,
                )
            )
        )

    house.act(lambda: changes.update(house.mission, state="completed"))
    work()

    assert [one.mailbox for one in house.deliveries("mission.completed")] == [here.email]


def test_an_actor_whose_membership_was_removed_sends_nothing(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.endpoint(receivers.url("ours"))
    house.assign()
    house.fan_out()
    house.act(lambda: changes.delete(Membership.objects.get(organization_id=house.organization.pk)))

    work()

    assert {one.reason for one in house.deliveries()} == {"authorization_revoked"}
    assert {one.state for one in house.deliveries()} == {DeliveryState.DEAD}
    assert (receivers.mails(), receivers.hooks()) == ([], [])


def test_a_delivery_whose_job_is_cancelled_ends_with_it(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.assign()
    [delivery] = house.fan_out()
    job = house.job(delivery)
    house.actor = Actor.user(make.member(house.organization, role="admin").pk)

    house.act(lambda: control.cancel([job.pk], reason="a mistake"))
    work()

    mail = house.only("mail")
    assert (mail.state, mail.reason) == (DeliveryState.DEAD, "cancelled")
    assert receivers.mails() == []
