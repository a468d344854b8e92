"""One click on unsubscribe."""

from collections.abc import Callable

import pytest

from jobs.families.notifications.models import SuppressedAddress
from jobs.families.notifications.unsubscribe import UnknownToken, unsubscribe
from jobsite.demo.receivers import Receivers
from tenancy import changes
from tenancy.acting import Actor
from tests.factories import tenancy as make

from .conftest import House

Work = Callable[[], None]


def token_of(receivers: Receivers) -> str:
    header = receivers.mails()[-1].headers["List-Unsubscribe"]
    return header.strip("<>").rpartition("/u/")[2]


def test_the_token_of_a_mail_stops_the_next_one(
    house: House, receivers: Receivers, work: Work
) -> None:
    assignment = house.assign()
    work()

    house.act(lambda: unsubscribe(house.organization.pk, token_of(receivers)))
    house.act(lambda: changes.delete(assignment))
    work()

    [removed] = house.deliveries("assignment.removed")
    assert (removed.state, removed.reason) == ("suppressed", "muted")
    assert len(receivers.mails()) == 1


def test_a_second_click_is_no_error(house: House, receivers: Receivers, work: Work) -> None:
    house.assign()
    work()

    for _ in range(2):
        house.act(lambda: unsubscribe(house.organization.pk, token_of(receivers)))

    assert house.act(lambda: SuppressedAddress.objects.count()) == 1


def test_a_token_of_another_organization_is_unknown(
    house: House, receivers: Receivers, work: Work
) -> None:
    house.assign()
    work()
    other = make.organization()
    stranger = House(
        organization=other,
        actor=Actor.user(make.member(other).pk),
        mission=house.mission,
        person=house.person,
    )

    for organization_id in (house.organization.pk, other.pk):
        with pytest.raises(UnknownToken):
            stranger.act(lambda key=organization_id: unsubscribe(key, token_of(receivers)))  # type: ignore[misc]
    with pytest.raises(UnknownToken):
        house.act(lambda: unsubscribe(house.organization.pk, ""))
