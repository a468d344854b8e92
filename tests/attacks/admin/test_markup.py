"""Markup in every field that somebody fills in, on every page that shows it: text, and no element.

Looked for in the parsed page, so that what is escaped may stand there. An attribute that a script
of ours evaluates (Alpine's, htmx's) holds nothing that somebody filled in, escaped or not.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.db import models
from django.urls import reverse

from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.models import Breaker, Delivery, DeliveryAttempt
from tenancy import changes
from tenancy.acting import because
from tenancy.admin.base import TenantAdmin
from tenancy.models import Organization, Role, User
from tests.factories import admin as rows
from tests.factories import alerts, exports, imports, notifications, templates, tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import Note, at, breaker, queue_control, running_job

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "zqx"
EVIL = f"{MARK}\"'><svg onload=alert(1)>${{7*7}}`"
EVALUATED = re.compile(r"x-|@|:|on|hx-on|hx-vals|hx-trigger")


class Page(HTMLParser):
    """Collects what must not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that was injected, or an evaluated attribute with what was filled in."""
        if tag == "svg" and "onload" in dict(attrs):
            self.found.append((tag, attrs))
        for name, value in attrs:
            evaluated = EVALUATED.match(name) and MARK in (value or "")
            runs = (value or "").strip().lower().startswith("javascript:")
            if evaluated or (name in ("href", "src", "action") and runs):
                self.found.append((tag, name, value))

    def handle_data(self, data: str) -> None:
        """A script with what was filled in."""
        if self.lasttag == "script" and MARK in data:
            self.found.append(("script", data))


@pytest.fixture
def own() -> Organization:
    """An organization of which every text is markup."""
    own = tenancy.organization(EVIL)
    project = tenancy.project(own)
    mission = tenancy.mission(project)
    entry, delivery = tenancy.timeline_entry(mission), notifications.delivery(own)
    account, endpoint = tenancy.service_account(own), notifications.endpoint(own)
    notifications.subscription(own)
    notifications.suppressed_address(own)
    tenancy.invitation(own, name=EVIL)
    alerts.open_alert(own)
    alerts.minute_count(own)
    imports.asking(own, EVIL)
    exports.export(own, filters={"kind": EVIL[:32]})
    queue_control(own)
    fault = breaker(own)
    templates.draft(own, subject=EVIL, text=EVIL, html=EVIL)
    job = running_job(own, payload=Note(text=EVIL), entity=(EVIL[:32], EVIL), correlation_id=MARK)
    with because(EVIL), at(own):
        changes.update(project, code=EVIL[:32], name=EVIL)
        changes.update(mission, reference=EVIL, title=EVIL, description=EVIL)
        changes.update(entry, title=EVIL, kind=EVIL[:32], location=EVIL, notes=EVIL)
        changes.update(account, name=EVIL)
        changes.update(endpoint, name=EVIL, state_reason=EVIL, url=f"javascript:alert('{MARK}')")
        if delivery.collaborator is not None:
            changes.update(delivery.collaborator, name=EVIL, role=EVIL)
        told = Failure(error_class=EVIL, message=EVIL, frame=EVIL, traceback=EVIL)
        transitions.bury(job, reason="permanent_error", failure=told)
        Breaker.objects.filter(pk=fault.pk).update(destination=EVIL[:200])
        Delivery.objects.filter(pk=delivery.pk).update(mailbox=EVIL)
        answered(delivery)
    return own


def answered(delivery: Delivery) -> None:
    """What a hostile receiver may leave behind."""
    DeliveryAttempt.objects.create(
        organization_id=delivery.organization_id,
        delivery=delivery,
        number=1,
        fence=1,
        started_at=delivery.created_at,
        result="failed",
        error=EVIL,
        detail=EVIL,
        address=EVIL,
        request_headers={EVIL: EVIL},
        request_body=EVIL,
        response_status=200,
        response_headers={EVIL: EVIL},
        response_body=EVIL,
    )


def addresses(own: Organization) -> Iterator[str]:
    """Every page that the site has about this organization."""
    yield reverse("admin:index")
    yield reverse("admin:search", query={"s": MARK})
    place = f"/admin/templates/notificationtemplate/{own.pk}/mission.created/mail/all/"
    yield from (place, f"{place}compare/?old=0&new=1")
    for page in admin.site._registry.values():
        name = f"admin:{page.opts.app_label}_{page.opts.model_name}"
        yield reverse(f"{name}_changelist", query={"window": "all", "state": ""})
        yield reverse(f"{name}_changelist", query={"q": EVIL})
        yield reverse(f"{name}_add")
        if isinstance(page, TenantAdmin):
            for row in some(page.model, own):
                for route in ("change", "delete", "history", *page.routes):
                    yield page.address(row, route)


def some(model: type[models.Model], own: Organization) -> list[models.Model]:
    with at(own):
        return list(model._default_manager.all()[:4])


def test_the_walk_meets_every_kind_of_row(own: Organization) -> None:
    empty = [model.__name__ for model in rows.MAKERS if not some(model, own)]

    assert empty == []


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_what_somebody_filled_in_is_text_on_every_page(own: Organization, who: str) -> None:
    person = tenancy.operator() if who == "operator" else tenancy.member(own, role=Role.OWNER)
    User.objects.filter(pk=person.pk).update(name=EVIL)
    client, showing = signed_in(person), 0

    for address in addresses(own):
        shown = client.get(address, follow=True).content.decode()

        showing += MARK in shown
        assert Page(shown).found == [], address
    assert showing > 50
