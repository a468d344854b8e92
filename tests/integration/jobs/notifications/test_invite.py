"""The mail of an invitation: who gets it, once for each link, and who does not any more."""

from collections.abc import Callable

from jobs.families.notifications.models import SuppressedAddress, SuppressionCause
from jobs.ledger.models import Job
from jobsite.demo.receivers import Receivers
from tenancy import changes, clock, invitations, members
from tenancy.acting import Actor, acting
from tenancy.models import Invitation, Membership
from tests.factories import tenancy as make
from tests.factories.jobs import at

from .conftest import House

Work = Callable[[], None]


def invited(house: House, email: str = "nova@example.test") -> Invitation:
    inviter = make.member(house.organization, role="admin")
    return make.invitation(house.organization, by=inviter, email=email)


def jobs(house: House) -> list[Job]:
    found = Job.objects.filter(job_type="notifications.send_invitation").order_by("pk")
    return house.act(lambda: list(found))


def test_it_arrives_with_the_link_and_says_whose_it_is(
    house: House, receivers: Receivers, work: Work
) -> None:
    invitation = invited(house)

    work()

    [mail] = receivers.mails()
    assert mail.recipients == ["nova@example.test"]
    assert invitations.url(invitation) in mail.text
    assert "Aurora" in mail.text
    assert "as editor" in mail.text
    assert "List-Unsubscribe" not in mail.headers
    assert [job.state for job in jobs(house)] == ["succeeded"]


def test_the_link_stands_in_no_job(house: House, receivers: Receivers, work: Work) -> None:
    invitation = invited(house)

    work()

    [job] = jobs(house)
    token = invitations.url(invitation).split("/")[-2]
    assert token not in str(job.payload)
    assert invitation.token_seed not in str(job.payload)


def test_sent_again_there_are_two_mails_and_the_second_has_the_link_that_works(
    house: House, receivers: Receivers, work: Work
) -> None:
    inviter = make.member(house.organization, role="admin")
    invitation = make.invitation(house.organization, by=inviter)
    work()

    with acting(Actor.user(inviter.pk), source="admin"), at(house.organization):
        renewed = members.renew(invitation)
    work()

    first, second = receivers.mails()
    assert invitations.url(renewed) in second.text
    assert invitations.url(renewed) not in first.text
    assert first.message_id != second.message_id


def test_sent_again_before_the_first_mail_went_out_there_is_one_mail(
    house: House, receivers: Receivers, work: Work
) -> None:
    inviter = make.member(house.organization, role="admin")
    invitation = make.invitation(house.organization, by=inviter)
    with acting(Actor.user(inviter.pk), source="admin"), at(house.organization):
        renewed = members.renew(invitation)

    work()

    [mail] = receivers.mails()
    assert invitations.url(renewed) in mail.text
    assert [job.state for job in jobs(house)] == ["succeeded", "succeeded"]


def test_what_is_revoked_before_it_went_out_does_not_go_out(
    house: House, receivers: Receivers, work: Work
) -> None:
    invitation = invited(house)
    house.act(lambda: invitations.revoke(invitation))

    work()

    assert receivers.mails() == []
    assert [job.state for job in jobs(house)] == ["succeeded"]


def test_an_inviter_who_was_deactivated_meanwhile_invites_nobody(
    house: House, receivers: Receivers, work: Work
) -> None:
    inviter = make.member(house.organization, role="admin")
    make.invitation(house.organization, by=inviter)
    house.act(
        lambda: changes.update(Membership.objects.get(user=inviter), deactivated_at=clock.now())
    )

    work()

    assert receivers.mails() == []
    [letter] = house.dead_letters()
    assert letter.reason == "authorization_revoked"


def test_nothing_is_sent_to_a_mailbox_that_bounced(
    house: House, receivers: Receivers, work: Work
) -> None:
    for email, cause in (("gone", "bounced"), ("quiet", "unsubscribed")):
        house.act(
            lambda email=email, cause=cause: changes.create(  # type: ignore[misc]
                SuppressedAddress(
                    organization=house.organization,
                    address=f"{email}@example.test",
                    cause=SuppressionCause(cause),
                )
            )
        )
        invited(house, f"{email}@example.test")

    work()

    assert [mail.recipients for mail in receivers.mails()] == [["quiet@example.test"]]
    [letter] = house.dead_letters()
    assert letter.reason == "mail_refused"


def test_who_was_deactivated_hears_of_nothing_any_more(
    house: House, receivers: Receivers, work: Work
) -> None:
    user = make.member(house.organization)
    person = make.collaborator(house.organization, user=user)
    house.assign(person)
    house.fan_out()
    house.act(lambda: changes.update(Membership.objects.get(user=user), deactivated_at=clock.now()))

    work()

    mail = house.only("mail")
    assert (mail.state, mail.reason) == ("suppressed", "recipient_revoked")
