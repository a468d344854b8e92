"""The admin pages, as an org admin, a viewer and a stranger see them."""

import pytest
from django.db import transaction
from django.test import Client

from templates import catalogue, versions
from templates.models import TemplateVersion
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Mission, Organization, Project, Role, User
from tenancy.scope import scope
from tests import factories

EVENT = "mission.created"
SOURCES = {"subject": "New: {{ mission.title }}", "text": "Hello", "html": "<p>Hello</p>"}
LIST = "/admin/templates/notificationtemplate/"


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.id or 0))
    return client


def address(organization: Organization, page: str = "", locale: str = "all") -> str:
    return f"{LIST}{organization.pk}/{EVENT}/mail/{locale}/{page}"


def rows(organization: Organization) -> list[TemplateVersion]:
    with scope(organization), transaction.atomic():
        return list(TemplateVersion.objects.filter(organization_id=organization.pk))


@pytest.fixture
def client(admin: Actor) -> Client:
    return signed_in(admin)


def test_the_matrix_shows_every_event_and_channel(
    organization: Organization, client: Client
) -> None:
    page = client.get(LIST).content.decode()

    assert all(event.title in page for event in catalogue.EVENT_TYPES.values())
    assert page.count("System default") == 2 * len(catalogue.EVENT_TYPES)


def test_the_matrix_names_own_versions_drafts_and_broken_ones(
    organization: Organization, admin: Actor, client: Client
) -> None:
    with acting(admin, source="admin"), scope(organization), transaction.atomic():
        version = versions.save_draft(organization.pk, EVENT, "mail", "de", SOURCES, base=0)
        versions.publish(version)
        versions.save_draft(organization.pk, EVENT, "mail", "de", SOURCES | {"text": "b"}, base=1)
        broken = versions.save_draft(
            organization.pk, EVENT, "mail", "fr", SOURCES | {"text": "{{ gone }}"}, base=0
        )
        TemplateVersion.objects.filter(pk=broken.pk).update(
            state="published", published_at=broken.created_at
        )

    page = client.get(LIST).content.decode()

    assert "own, version 1, draft 2" in page
    assert "broken: the system default is sent" in page


def test_the_editor_begins_with_the_system_default(
    organization: Organization, client: Client
) -> None:
    page = client.get(address(organization)).content.decode()

    assert "{{ mission.reference }} {{ mission.title }}: created" in page
    assert "MSN-1042 Replace the signal mast: created" in page
    assert '<iframe sandbox=""' in page
    assert "default-src &#x27;none&#x27;" in page


def test_saving_makes_a_draft_and_publishing_sends_it(
    organization: Organization, client: Client
) -> None:
    saved = client.post(address(organization), SOURCES | {"base": 0, "action": "save"}, follow=True)
    published = client.post(
        address(organization), SOURCES | {"base": 1, "action": "publish"}, follow=True
    )

    assert "Saved version 1 as a draft" in saved.content.decode()
    assert "Published version 1" in published.content.decode()
    assert [(row.number, row.state) for row in rows(organization)] == [(1, "published")]


def test_a_refused_publication_keeps_the_draft_and_tells_every_problem(
    organization: Organization, client: Client
) -> None:
    typed = SOURCES | {"text": "{{ mission.titel }}\n{{ mission.title | upcas }}"}

    page = client.post(
        address(organization), typed | {"base": 0, "action": "publish"}, follow=True
    ).content.decode()

    assert "Not published: 2 problems" in page
    assert "text, line 1, column 4:" in page
    assert "did you mean `mission.title`?" in page
    assert [row.state for row in rows(organization)] == ["draft"]


def test_two_editors_at_once_get_both_texts(organization: Organization, client: Client) -> None:
    client.post(address(organization), SOURCES | {"base": 0, "action": "save"})
    second = SOURCES | {"text": "mine", "base": 0, "action": "save"}

    page = client.post(address(organization), second).content.decode()
    again = client.post(address(organization), second | {"base": 1}, follow=True).content.decode()

    assert "Nothing was lost" in page
    assert "<del" in page
    assert ">mine</ins>" in page
    assert 'name="base" value="1"' in page
    assert "Saved version 2" in again


def test_the_live_preview_saves_nothing(organization: Organization, client: Client) -> None:
    typed = SOURCES | {"base": 0, "subject": "S {{ mission.title }}", "case": "emoji"}

    fragment = client.post(address(organization, "preview/"), typed).content.decode()

    assert "S 👩🏽\u200d🚀" in fragment
    assert "No problems." in fragment
    assert "<html" not in fragment.split("srcdoc")[0]
    assert rows(organization) == []


def test_real_events_are_shown_with_personal_data_masked(
    organization: Organization, admin: Actor, client: Client
) -> None:
    with acting(admin, source="admin"), scope(organization), transaction.atomic():
        project = changes.create(Project(organization=organization, code="N", name="North"))
        changes.create(
            Mission(organization=organization, project=project, reference="M-7", title="Dig")
        )
    page = client.get(address(organization)).content.decode()
    case = page.split('<option value="event-')[1].split('"')[0]
    typed = SOURCES | {"base": 0, "text": "{{ actor.name }}", "case": f"event-{case}"}

    fragment = client.post(address(organization, "preview/"), typed).content.decode()

    assert "New: Dig" in fragment
    assert "A•••L•••" in fragment
    assert "Lovelace" not in fragment


def test_versions_are_compared_and_restored(organization: Organization, client: Client) -> None:
    client.post(address(organization), SOURCES | {"base": 0, "action": "publish"})
    client.post(address(organization), SOURCES | {"text": "New text", "base": 1, "action": "save"})

    compared = client.get(address(organization, "compare/?old=1&new=2")).content.decode()
    restored = client.post(
        address(organization, "restore/"), {"version": 1, "base": 2}, follow=True
    ).content.decode()

    assert ">Hello</del>" in compared
    assert ">New text</ins>" in compared
    assert "Restored version 1 as version 3" in restored


def test_withdrawing_sends_the_default_again(organization: Organization, client: Client) -> None:
    client.post(address(organization), SOURCES | {"base": 0, "action": "publish"})

    page = client.post(address(organization, "withdraw/"), follow=True).content.decode()

    assert "Withdrew version 1" in page
    assert [row.state for row in rows(organization)] == ["retired"]


def test_a_viewer_sees_and_cannot_change(organization: Organization, viewer: Actor) -> None:
    client = signed_in(viewer)

    page = client.get(address(organization)).content.decode()
    statuses = [
        client.post(address(organization), SOURCES | {"base": 0, "action": action}).status_code
        for action in ("save", "publish")
    ] + [client.post(address(organization, "withdraw/")).status_code]

    assert "Save and publish" not in page
    assert statuses == [403, 403, 403]
    assert rows(organization) == []


@pytest.mark.parametrize("page", ["", "preview/", "compare/?old=0&new=0", "restore/", "withdraw/"])
def test_another_organizations_templates_do_not_exist(client: Client, page: str) -> None:
    other = factories.organization()

    get, post = client.get(address(other, page)), client.post(address(other, page), SOURCES)

    assert {get.status_code, post.status_code} <= {404, 405}
    assert client.get(f"{LIST}?organization={other.pk}").status_code == 404


def test_a_member_of_two_organizations_chooses(organization: Organization, admin: Actor) -> None:
    other = factories.organization()
    factories.member(other, Role.VIEWER, user=User.objects.get(pk=admin.id or 0))
    client = signed_in(admin)

    page = client.get(LIST).content.decode()

    assert organization.name in page
    assert other.name in page


@pytest.mark.parametrize("place", ["mission.exploded/mail/all", "mission.created/pigeon/all"])
def test_what_the_catalogue_does_not_have_is_not_found(
    organization: Organization, client: Client, place: str
) -> None:
    assert client.get(f"{LIST}{organization.pk}/{place}/").status_code == 404


def test_another_language_is_opened_from_the_editor(
    organization: Organization, client: Client
) -> None:
    asked = {"organization": str(organization.pk), "event": EVENT, "channel": "mail"}

    opened = client.get(LIST, asked | {"locale": "de-CH"}, follow=True)

    assert opened.redirect_chain[0][0] == address(organization, locale="de-CH")
    assert "Mission created by mail, de-CH" in opened.content.decode()
    assert client.get(LIST, asked | {"locale": "../../x"}).status_code == 404


def test_markup_in_a_source_is_shown_as_text(organization: Organization, client: Client) -> None:
    typed = SOURCES | {"text": "</textarea><script>alert(1)</script>", "base": 0, "action": "save"}

    page = client.post(address(organization), typed, follow=True).content.decode()

    assert "<script>alert(1)" not in page
