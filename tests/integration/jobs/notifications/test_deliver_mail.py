"""One event to one mailbox: who may still hear it, and what the mail server says."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_django import Settings

from jobs.families.notifications.models import DeliveryState, SuppressedAddress, SuppressionCause
from jobsite.demo.receiver_smtp import Smtp
from jobsite.demo.receivers import Receivers
from tenancy import changes
from tenancy.models import Collaborator

from .conftest import House, smtp

Work = Callable[[], None]


class Refusing(Smtp):
    """A mail server that answers every recipient the same."""

    def __init__(self, *answers: str) -> None:
        super().__init__(lambda _sender, _recipients, _raw: None)
        self.answers = list(answers)
        self.asked = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer


@contextmanager
def refusing(settings: Settings, *answers: str) -> Iterator[Refusing]:
    server = Refusing(*answers)
    settings.MAILERS = {"default": smtp(server.start("127.0.0.1", 0))}
    try:
        yield server
    finally:
        server.stop()


def test_a_recipient_who_left_before_it_was_sent_is_suppressed(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.assign()
    house.fan_out()
    house.act(lambda: changes.update(house.person, status=Collaborator.Status.INACTIVE))

    work()

    mail = house.only("mail")
    assert (mail.state, mail.reason) == (DeliveryState.SUPPRESSED, "recipient_revoked")
    assert house.job(mail).state == "succeeded"
    assert (receivers.mails(), house.attempts(mail)) == ([], [])


def test_a_mailbox_that_bounced_meanwhile_is_suppressed(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.assign()
    house.fan_out()
    house.act(
        lambda: changes.create(
            SuppressedAddress(
                organization=house.organization,
                address=house.person.email.lower(),
                cause=SuppressionCause.BOUNCED,
            )
        )
    )

    work()

    assert house.only("mail").reason == "address_suppressed"
    assert receivers.mails() == []


def test_a_mailbox_that_changed_meanwhile_gets_the_mail(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.assign()
    house.fan_out()
    house.act(lambda: changes.update(house.person, email="new@example.test"))

    work()

    assert [mail.recipients for mail in receivers.mails()] == [["new@example.test"]]


def test_a_mailbox_that_is_refused_for_good_is_dead_at_once(
    house: House, settings: Settings, work: Work
) -> None:
    with refusing(settings, "550 5.1.1 No such mailbox") as server:
        house.assign()
        work()

    mail = house.only("mail")
    [attempt] = house.attempts(mail)
    assert server.asked == 1
    assert (mail.state, mail.reason) == (DeliveryState.DEAD, "mail_refused")
    assert "550" in attempt.error
    assert [letter.reason for letter in house.dead_letters()] == ["mail_refused"]


def test_a_mailbox_that_is_busy_is_tried_again_under_the_same_id(
    house: House, settings: Settings, work: Work
) -> None:
    with refusing(settings, "451 4.7.1 Greylisted", "250 OK"):
        house.assign()
        work()

    mail = house.only("mail")
    first, second = house.attempts(mail)
    assert mail.state == DeliveryState.SENT
    assert (first.result, first.reason, second.result) == ("failed", "mail_deferred", "sent")
    assert first.request_headers["Message-ID"] == second.request_headers["Message-ID"]


def test_a_mail_server_that_is_away_uses_up_the_attempts(
    house: House, settings: Settings, work: Work
) -> None:
    settings.MAILERS = {"default": smtp(1)}
    house.assign()

    work()

    mail = house.only("mail")
    assert (mail.state, mail.reason) == (DeliveryState.DEAD, "retries_exhausted")
    assert [one.number for one in house.attempts(mail)] == [1, 2, 3, 4, 5, 6, 7]


def test_a_mail_ends_with_the_way_to_the_mission_and_the_way_out(
    house: House, receivers: Receivers, settings: Settings, work: Work
) -> None:
    house.assign()
    work()

    [mail] = receivers.mails()
    way_out = mail.headers["List-Unsubscribe"].strip("<>")
    mission = f"{settings.PUBLIC_URL}/admin/tenancy/mission/{house.mission.pk}/change/"
    for part in (mail.text, mail.html):
        assert way_out in part
        assert mission in part
        assert f"Aurora sent this to {house.person.email}." in part
    [attempt] = house.attempts(house.only("mail"))
    assert way_out.rpartition("/")[2] not in attempt.request_body


def test_a_mail_refers_to_no_other_site_than_ours(
    house: House, receivers: Receivers, settings: Settings, work: Work
) -> None:
    house.assign()
    work()

    [mail] = receivers.mails()
    addresses = re.findall(r"https?:[^\s\"'<>)]*", mail.html + mail.text)
    name_that_nothing_loads = "http://www.w3.org/1999/xhtml"
    assert addresses
    assert all(
        one == name_that_nothing_loads or one.startswith(f"{settings.PUBLIC_URL}/")
        for one in addresses
    )
    assert "//fonts." not in mail.html
