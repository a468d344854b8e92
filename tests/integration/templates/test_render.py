import json
from collections.abc import Mapping
from typing import Any

import pytest

from templates import catalogue, versions
from templates.errors import UnknownTemplate
from templates.models import TemplateVersion
from templates.render import Rendered, render
from tenancy import changes
from tenancy.models import DomainEvent, Mission, Organization, Project

EVENT = "mission.created"
SAMPLE = catalogue.event_type(EVENT).sample("mail")


def published(organization: Organization, channel: str = "mail", **sources: str) -> TemplateVersion:
    """Published by the back door where validation would rightly refuse."""
    base = {"subject": "Own: {{ mission.title }}", "text": "Own text", "html": ""}
    version = versions.save_draft(organization.pk, EVENT, channel, "", base | sources, base=0)
    TemplateVersion.objects.filter(organization_id=organization.pk, pk=version.pk).update(
        state="published", published_at=version.created_at
    )
    return version


def rendered(
    organization: Organization, channel: str = "mail", data: Mapping[str, Any] = SAMPLE
) -> Rendered:
    return render(organization.pk, EVENT, channel, "en", data)


def test_without_a_template_the_system_default_is_sent(at_work: Organization) -> None:
    mail = rendered(at_work)

    assert mail.subject == "MSN-1042 Replace the signal mast: created"
    assert "Robin Keller created" in mail.text
    assert "Robin Keller created" in mail.html
    assert (mail.version_id, mail.fallback_reason) == (None, None)


def test_the_published_version_is_sent_and_named(at_work: Organization) -> None:
    version = published(at_work)

    mail = rendered(at_work)

    assert mail.subject == "Own: Replace the signal mast"
    assert (mail.version_id, mail.fallback_reason) == (version.pk, None)


def test_times_are_shown_in_the_organizations_zone(at_work: Organization) -> None:
    published(at_work, text="{{ mission.starts_at | date: '%H:%M' }}")

    assert rendered(at_work).text == "08:00\n"


def test_a_webhook_body_is_the_exact_json(at_work: Organization) -> None:
    published(
        at_work, "webhook", body='{"t": "{{ mission.title }}", "id": {"$value": "mission.id"}}'
    )

    hook = rendered(at_work, "webhook", SAMPLE)

    assert json.loads(hook.body) == {"t": "Replace the signal mast", "id": 412}


def test_a_template_that_fails_falls_back_and_says_where(at_work: Organization) -> None:
    published(at_work, text="a\n{{ mission.nothing }}")

    mail = rendered(at_work)

    assert mail.subject == "MSN-1042 Replace the signal mast: created"
    assert (mail.version_id, mail.fallback_reason) == (None, "template_error")
    assert "text line 2, column 4" in mail.fallback_detail


def test_a_template_that_exceeds_its_budget_falls_back_and_rests(at_work: Organization) -> None:
    published(at_work, text="{% for i in (1..200000000) reversed %}{% break %}{% endfor %}")

    reasons = [rendered(at_work).fallback_reason for _ in range(2)]

    assert reasons == ["budget_exceeded"] * 2
    assert "rests" in rendered(at_work).fallback_detail


def test_an_injected_header_in_the_data_falls_back_to_a_harmless_subject(
    at_work: Organization,
) -> None:
    published(at_work)
    mission = SAMPLE["mission"] | {"title": "x\r\nBcc: everybody@example.org"}

    mail = rendered(at_work, data=SAMPLE | {"mission": mission})

    assert mail.fallback_reason == "subject_refused"
    assert mail.subject == "MSN-1042 x Bcc: everybody@example.org: created"


def test_an_event_of_an_older_schema_still_renders(at_work: Organization) -> None:
    mission = {"id": 1, "reference": "M-1", "title": "Old"}

    mail = rendered(at_work, data={"mission": mission})

    assert mail.subject == "M-1 Old: created"
    assert mail.fallback_reason is None


def test_a_text_that_nobody_would_read_is_cut_in_mails(at_work: Organization) -> None:
    mission = SAMPLE["mission"] | {"description": "x" * 600_000}

    mail = rendered(at_work, data=SAMPLE | {"mission": mission})

    assert len(mail.text) < 11_000
    assert mail.fallback_reason is None


def test_data_beyond_the_largest_body_leaves_type_time_and_id(at_work: Organization) -> None:
    mission = SAMPLE["mission"] | {"description": "x" * 600_000}

    hook = rendered(at_work, "webhook", SAMPLE | {"mission": mission})

    assert hook.fallback_reason == "default_failed"
    assert json.loads(hook.body) == {
        "type": EVENT,
        "timestamp": "2026-03-02T08:15:00+00:00",
        "data": {"event_id": "8123"},
    }


def test_an_event_type_that_nobody_knows_is_an_error(at_work: Organization) -> None:
    with pytest.raises(UnknownTemplate):
        render(at_work.pk, "mission.exploded", "mail", "en", {})


def test_every_recorded_event_fits_the_catalogue(at_work: Organization) -> None:
    project = changes.create(Project(organization=at_work, code="N", name="North"))
    mission = changes.create(
        Mission(organization=at_work, project=project, reference="M-7", title="Dig")
    )
    changes.update(mission, title="Dig deeper")
    changes.update(mission, state="completed")

    events = DomainEvent.objects.filter(organization_id=at_work.pk).order_by("id")
    mails = [render(at_work.pk, e.event_type, "mail", "en", catalogue.context(e)) for e in events]

    assert [mail.subject for mail in mails] == [
        "M-7 Dig: created",
        "M-7 Dig deeper: changed",
        "M-7 Dig deeper: completed",
    ]
    assert "Ada Lovelace" in mails[0].text
    assert not any(mail.fallback_reason for mail in mails)
