"""The page Alerts, an alert's own page, and what the dashboard says of alerts. Operators only."""

import re
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.urls import reverse

from audit.models import AuditEvent
from jobs.alerts.conditions import Kind, Subject
from jobs.alerts.models import Alert
from tenancy.models import Organization, Role
from tenancy.scope import engine_scope
from tests.factories import tenancy
from tests.factories.admin import signed_in
from tests.factories.alerts import failing, open_alert, pass_minutes
from tests.factories.jobs import at, queue_control

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("admin:jobs_alert_changelist")


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def operator():
    return signed_in(tenancy.operator())


def shown(client, address, **query) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_open_alerts_and_where_to_look(own, operator) -> None:
    open_alert(own)

    page = shown(operator, LIST, organization__id__exact=own.pk)

    assert "80% of the attempts fail" in page
    assert own.name in page
    [letters] = re.findall(r'href="([^"]+)">dead letters<', page)
    assert f"organization__id__exact={own.pk}" in letters
    assert operator.get(letters.replace("&amp;", "&")).status_code == 200


def test_closed_alerts_are_history(own, operator) -> None:
    pass_minutes(failing(own), 0.8, *[None] * 6)

    assert "attempts fail" not in shown(operator, LIST, organization__id__exact=own.pk)
    page = shown(operator, LIST, organization__id__exact=own.pk, state="closed")
    assert "80% of the attempts fail" in page
    assert "6 min" in page


def test_every_link_of_every_kind_leads_somewhere(own, operator) -> None:
    for kind in Kind:
        is_own = kind in (Kind.JOBS_FAIL, Kind.QUEUE_GROWS)
        organization_id = own.pk if is_own else None
        [*_, alert] = pass_minutes(
            Subject(kind=kind, organization_id=organization_id, group="audit"), 700, 700, 700
        )
        page = shown(operator, reverse("admin:jobs_alert_change", args=[alert.pk]))
        links = re.search(r'aria-label="Where to look">(.*?)</ul>', page, re.DOTALL)
        assert links
        for link in re.findall(r'href="([^"]+)"', links[1]):
            assert operator.get(link.replace("&amp;", "&")).status_code == 200, link


def test_an_alerts_page_says_what_to_do_who_was_told_and_what_did_not_arrive(own, operator) -> None:
    alert = open_alert(own)
    with engine_scope(), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(
            told={"mail to oncall@example.com": {"open": datetime.now(UTC).isoformat()}},
            tell_error="webhook: The receiver answered 500.",
            tell_failures=3,
        )

    page = shown(operator, reverse("admin:jobs_alert_change", args=[alert.pk]))

    assert "Read the errors of its dead letters" in page
    assert "mail to oncall@example.com: open" in page
    assert "Tried 3 times in vain" in page
    assert "The receiver answered 500." in page


def test_a_look_at_an_organizations_alert_is_in_its_own_log(own, operator) -> None:
    alert = open_alert(own)
    address = reverse("admin:jobs_alert_change", args=[alert.pk])

    shown(operator, address)

    with at(own):
        assert AuditEvent.objects.filter(event__contains=address).exists()


def test_the_dashboard_says_what_is_right_again_and_what_a_person_stopped(own, operator) -> None:
    [*_, alert] = pass_minutes(failing(own), 0.8, *[None] * 6)
    queue_control(own, "audit", is_paused=True, is_draining=True, reason="a flood")

    found = operator.get(reverse("admin:index")).context["numbers"]
    page = shown(operator, reverse("admin:index"))

    assert alert.closed_at is None or str(alert.pk) in " ".join(one.address for one in found.closed)
    assert "Right again for" in page
    [audit] = [one for one in found.stopped if one.group == "audit"]
    assert audit.paused >= 1
    assert audit.draining >= 1
    is_alone = audit.paused == audit.draining == 1  # its own control is both
    assert audit.whose == (own.name if is_alone else "")
    assert own.name in shown(operator, audit.address)
    member = signed_in(tenancy.member(own, role="owner"))
    assert "Right again for" not in shown(member, reverse("admin:index"))


@pytest.mark.parametrize("role", Role.values)
def test_members_have_no_page_of_alerts(own, role) -> None:
    alert = open_alert(own)
    member = signed_in(tenancy.member(own, role=role))

    for address in (LIST, reverse("admin:jobs_alert_change", args=[alert.pk])):
        assert member.get(address).status_code in (403, 404)
    assert "attempts fail" not in shown(member, reverse("admin:index"))


def test_the_dashboard_begins_with_open_alerts(own, operator) -> None:
    alert = open_alert(own)

    found = operator.get(reverse("admin:index")).context["numbers"]

    with engine_scope(), transaction.atomic():
        count = Alert.objects.filter(state="open").count()
    assert len(found.alerts) == min(count, 5)
    assert bool(found.all_alerts) == (count > 5)
    assert not found.is_quiet
    if count <= 5:
        assert any(str(alert.pk) in one.address for one in found.alerts)
