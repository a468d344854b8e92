"""One click in a mail program (RFC 8058), which sends a form and no token of ours."""

import pytest
from django.db import transaction
from django.test import Client

from jobs.families.notifications import unsubscribe
from jobs.families.notifications.models import Delivery, SuppressedAddress
from tenancy.scope import scope
from tests.factories import notifications, tenancy


@pytest.fixture
def mail(transactional_db: None) -> Delivery:
    """A mail that went out with its link."""
    delivery = notifications.delivery()
    with scope(delivery.organization_id), transaction.atomic():
        delivery.unsubscribe_digest = unsubscribe.digest(unsubscribe.token(delivery.pk))
        delivery.save(update_fields=["unsubscribe_digest"])
        return Delivery.objects.select_related("organization").get(pk=delivery.pk)


def _path(mail: Delivery, organization_id: int | None = None) -> str:
    of = organization_id or mail.organization_id
    return f"/api/v1/organizations/{of}/u/{unsubscribe.token(mail.pk)}"


def _suppressed(organization_id: int) -> int:
    with scope(organization_id), transaction.atomic():
        return SuppressedAddress.objects.filter(organization_id=organization_id).count()


def test_one_click_stops_mails_and_a_second_is_no_error(client: Client, mail: Delivery) -> None:
    click = {"List-Unsubscribe": "One-Click"}

    answers = [client.post(_path(mail), click) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert _suppressed(mail.organization_id) == 1


def _page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    return answer.content.decode()


def test_looking_at_the_link_says_whose_mails_would_stop_and_changes_nothing(
    client: Client, mail: Delivery
) -> None:
    page = _page(client, _path(mail))

    assert '<form method="post">' in page
    assert mail.organization.name in page
    assert mail.mailbox in page
    assert _suppressed(mail.organization_id) == 0


def test_a_person_in_a_browser_gets_a_page(client: Client, mail: Delivery) -> None:
    done = client.post(_path(mail), headers={"Accept": "text/html,*/*"})

    assert done["Content-Type"].startswith("text/html")
    assert "no more notifications" in done.content.decode()


def test_who_unsubscribed_is_not_asked_again(client: Client, mail: Delivery) -> None:
    client.post(_path(mail))

    page = _page(client, _path(mail))

    assert "Unsubscribed" in page
    assert "<form" not in page


@pytest.mark.parametrize("damage", ["", "x", "A" * 13, "_" * 9, "%00", "a" * 3000])
def test_a_person_with_a_bad_link_reads_so_on_a_page(
    client: Client, mail: Delivery, damage: str
) -> None:
    path = _path(mail)[:-3] + damage

    page = _page(client, path)

    assert "This link is not known" in page
    assert mail.mailbox not in page


def test_a_token_of_another_organization_is_not_found(client: Client, mail: Delivery) -> None:
    other = tenancy.organization()

    refused = client.post(_path(mail, other.pk))

    assert refused.status_code == 404
    assert _suppressed(other.pk) == _suppressed(mail.organization_id) == 0
