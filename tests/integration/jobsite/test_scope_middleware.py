"""One page, one scope, one transaction: what a page leaves behind, however it ends."""

import json
from collections.abc import Callable

import pytest
import structlog
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import path

from audit.models import AuditEvent
from tenancy import changes
from tenancy.models import SITE_ORGANIZATION_ID, Organization, Project, User
from tenancy.scope import current_scope, only_organization, operator_scope, scope
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

ENDINGS: dict[str, Callable[[], HttpResponse]] = {}


def _raise(error: Exception) -> HttpResponse:
    raise error


ENDINGS = {
    "raises": lambda: _raise(ZeroDivisionError()),
    "not-found": lambda: _raise(Http404()),
    "denied": lambda: _raise(PermissionDenied()),
    "answers-500": lambda: HttpResponse(status=500),
    "fails-in-its-template": lambda: _late(lambda: 1 / 0),
}


def _late(value: Callable[[], object]) -> HttpResponse:
    template = engines["django"].from_string("{{ value }}")
    return TemplateResponse(HttpRequest(), template, {"value": value})


def write_then(request: HttpRequest, ending: str) -> HttpResponse:
    changes.create(Project(organization_id=only_organization(), code=ending, name="x"))
    return ENDINGS[ending]() if ending in ENDINGS else HttpResponse()


def show_late(request: HttpRequest) -> HttpResponse:
    return _late(lambda: [one.code for one in Project.objects.all()])


urlpatterns = [
    path("admin/write-then/<ending>", write_then),
    path("admin/show-late", show_late),
    path("admin/thing/<number>", lambda request, number: _raise(Http404())),
    path("admin/", admin.site.urls),
    path("elsewhere", lambda request: HttpResponse(str(current_scope()))),
]


def signed_in(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def organization() -> Organization:
    return factories.organization()


@pytest.fixture
def client(organization: Organization) -> Client:
    return signed_in(factories.member(organization))


def told(organization_id: int, action: str) -> list[dict[str, object]]:
    with operator_scope("count"), transaction.atomic():
        found = AuditEvent.objects.filter(organization_id=organization_id, action=action)
        return [json.loads(one.event) for one in found.order_by("id")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_page_that_fails_leaves_nothing_half_done(
    client: Client, organization: Organization, ending: str
) -> None:
    assert client.get(f"/admin/write-then/{ending}").status_code in (403, 404, 500)

    with scope(organization), transaction.atomic():
        assert not Project.objects.exists()
        assert not AuditEvent.objects.filter(action="project.created").exists()


def test_a_page_that_succeeds_is_committed(client: Client, organization: Organization) -> None:
    assert client.get("/admin/write-then/all-is-well").status_code == 200

    with scope(organization), transaction.atomic():
        assert Project.objects.count() == 1


def test_a_page_reads_in_its_scope_while_its_template_renders(
    client: Client, organization: Organization
) -> None:
    factories.project(organization, code="MINE")
    factories.project(code="THEIRS")

    assert client.get("/admin/show-late").content == b"[&#x27;MINE&#x27;]"


@pytest.mark.parametrize("ending", [*ENDINGS, "all-is-well"])
def test_after_a_page_nothing_remembers_whose_it_was(client: Client, ending: str) -> None:
    client.get(f"/admin/write-then/{ending}")

    assert current_scope() is None
    assert "actor_id" not in structlog.contextvars.get_contextvars()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('app.organizations', true)")
        assert cursor.fetchone() in [("app", None), ("app", "")]


def test_a_page_outside_the_admin_has_no_scope(client: Client) -> None:
    assert client.get("/elsewhere").content == b"None"


def test_a_page_that_forgot_to_ask_who_is_there_shows_nothing_to_nobody() -> None:
    factories.project(code="THEIRS")

    response = Client(raise_request_exception=False).get("/admin/show-late")

    assert response.status_code == 500
    assert b"THEIRS" not in response.content


def test_what_a_person_did_not_find_is_in_the_log_of_their_organization(
    client: Client, organization: Organization
) -> None:
    client.get("/admin/thing/12")

    (event,) = told(organization.pk, "access.not_found")
    assert event["outcome"] == "denied"
    assert event["target_id"] == "admin/thing/<number>"
    assert event["detail"] == {"path": "/admin/thing/12", "status": 404}


def test_a_crawler_of_ids_is_one_event_a_minute(client: Client, organization: Organization) -> None:
    for number in range(20):
        client.get(f"/admin/thing/{number}")

    assert len(told(organization.pk, "access.not_found")) == 1


def test_another_route_and_another_person_are_events_of_their_own(
    client: Client, organization: Organization
) -> None:
    other = signed_in(factories.member(organization))

    client.get("/admin/thing/1")
    client.get("/admin/tenancy/mission/1/change/")
    other.get("/admin/thing/1")

    assert len(told(organization.pk, "access.not_found")) == 3


def test_a_row_of_another_is_told_like_one_that_never_was() -> None:
    mine, person = factories.organization(), factories.person()
    factories.member(mine, user=person)
    theirs = factories.mission()
    client = signed_in(person)

    existing = client.get(f"/admin/tenancy/mission/{theirs.pk}/change/")
    (event,) = told(mine.pk, "access.not_found")

    assert existing.status_code == 404
    assert str(theirs.organization_id) not in json.dumps(event["target_id"])
    assert told(theirs.organization_id, "access.not_found") == []


@pytest.mark.parametrize("number", ["%00", "%ED%A0%BD", "%F0%9F%92%A5", "x" * 3000, "1%0A2"])
def test_no_path_breaks_the_log(client: Client, organization: Organization, number: str) -> None:
    assert client.get(f"/admin/thing/{number}").status_code == 404

    assert len(told(organization.pk, "access.not_found")) == 1


def test_a_request_id_of_any_length_is_taken(client: Client, organization: Organization) -> None:
    response = client.get("/admin/write-then/ok", headers={"X-Request-ID": "x" * 4000})

    assert response.status_code == 200
    (event,) = told(organization.pk, "project.created")
    assert len(str(event["correlation_id"])) <= 128


def test_every_line_of_a_request_bears_the_correlation_id_of_what_it_changed(
    client: Client, organization: Organization, caplog: pytest.LogCaptureFixture
) -> None:
    client.get("/admin/write-then/ok", headers={"X-Correlation-ID": "a stranger's"})

    (event,) = told(organization.pk, "project.created")
    lines = [one.msg for one in caplog.records if isinstance(one.msg, dict)]
    of_request = [
        line for line in lines if line["event"] in ("request_started", "request_finished")
    ]
    assert [line["correlation_id"] for line in of_request] == [event["correlation_id"]] * 2
    assert event["correlation_id"] != "a stranger's"


def looks(operator: User) -> list[object]:
    with operator_scope("count"), transaction.atomic():
        found = AuditEvent.objects.filter(
            organization_id=SITE_ORGANIZATION_ID,
            actor=f"operator:{operator.pk}",
            action="operator.scope_opened",
        ).order_by("id")
        return [json.loads(one.event)["detail"]["reason"] for one in found]


def test_a_page_that_an_operator_looks_at_is_recorded_once_and_not_per_refresh() -> None:
    operator = factories.operator()
    client = signed_in(operator)

    for _ in range(3):
        client.get("/admin/show-late")
    client.get("/admin/thing/1")

    assert looks(operator) == ["GET /admin/show-late", "GET /admin/thing/1"]


def test_what_an_operator_sends_is_recorded_each_time() -> None:
    operator = factories.operator()
    client = signed_in(operator)

    for _ in range(2):
        client.post("/admin/show-late")

    assert looks(operator) == ["POST /admin/show-late"] * 2


def test_a_look_is_recorded_even_if_its_page_fails() -> None:
    operator = factories.operator()

    signed_in(operator).get("/admin/write-then/raises")

    assert looks(operator) == ["GET /admin/write-then/raises"]


def test_an_operator_who_is_one_no_longer_sees_their_own_organizations_only() -> None:
    person = factories.operator()
    factories.project(code="THEIRS")
    client = signed_in(person)

    User.objects.filter(pk=person.pk).update(is_superuser=False)

    assert b"THEIRS" not in client.get("/admin/show-late").content


def test_an_operator_who_opens_a_row_is_in_the_log_of_its_organization_too() -> None:
    operator, mission = factories.operator(), factories.mission()
    address = f"/admin/tenancy/mission/{mission.pk}/change/"
    client = signed_in(operator)

    for _ in range(2):
        assert client.get(address).status_code == 200

    (event,) = told(mission.organization_id, "operator.scope_opened")
    assert event["actor"] == f"operator:{operator.pk}"
    assert event["detail"] == {"reason": f"GET {address}"}
