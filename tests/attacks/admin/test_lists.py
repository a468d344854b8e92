"""What the URL of a list can ask: only what the page offers, never a column that it hides."""

import pytest
from django.contrib import admin
from django.urls import reverse

from jobs.models import Job
from tenancy.admin.lists import ListAdmin
from tenancy.models import Role
from tests.factories import admin as rows
from tests.factories import tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import at, running_job

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = list(admin.site._registry.values())


def list_of(model: str) -> str:
    return reverse(f"admin:{model}_changelist")


def test_every_page_of_the_site_is_one_of_ours() -> None:
    assert [page for page in PAGES if not isinstance(page, ListAdmin)] == []


def test_the_worker_of_a_job_cannot_be_guessed_letter_by_letter() -> None:
    own = tenancy.organization()
    viewer = signed_in(tenancy.member(own, role=Role.VIEWER))
    job = running_job(own)
    with at(own):
        worker_id = Job.objects.get(pk=job.ref.job_id).worker_id

    for query in ({"worker_id__startswith": worker_id[:1]}, {"worker_id": worker_id}):
        assert viewer.get(list_of("jobs_job"), query).status_code == 400, query


@pytest.mark.parametrize(
    "lookup",
    [
        "token_digest__startswith",
        "token_hint__lt",
        "organization__slug__startswith",
        "organization_id__lt",
        "pk__lt",
        "role__regex",
    ],
)
def test_a_list_takes_no_lookup_that_its_page_does_not_offer(lookup: str) -> None:
    own = tenancy.organization()
    owner = signed_in(tenancy.member(own, role=Role.OWNER))
    tenancy.service_account(own)

    answer = owner.get(list_of("tenancy_serviceaccount"), {lookup: "0"})

    assert answer.status_code == 400


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.opts.label_lower)
def test_no_lookup_of_any_column_breaks_a_list(page: ListAdmin) -> None:
    own = tenancy.organization()
    if page.model in rows.MAKERS:
        rows.row_of(page.model, own)
    operator = signed_in(tenancy.operator())
    columns = {field.name for field in page.opts.concrete_fields}

    for lookup in (f"{column}{way}" for column in sorted(columns) for way in ("", "__regex")):
        answer = operator.get(
            list_of(f"{page.opts.app_label}_{page.opts.model_name}"), {lookup: "("}
        )

        assert answer.status_code in (200, 302, 400), lookup


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("jobs_delivery", {"endpoint": "seven"}),
        ("jobs_delivery", {"event": "9" * 30}),
        ("jobs_job", {"q": "\x00"}),
        ("audit_auditevent", {"actor": "\x00"}),
        ("templates_notificationtemplate", {"q": "\x00"}),
    ],
)
def test_a_filter_that_can_match_nothing_is_no_error_of_ours(
    model: str, query: dict[str, str]
) -> None:
    owner = signed_in(tenancy.member(tenancy.organization(), role=Role.OWNER))

    assert owner.get(list_of(model), query).status_code in (200, 400)


def test_the_palette_takes_a_text_that_no_column_can_hold() -> None:
    owner = signed_in(tenancy.member(tenancy.organization(), role=Role.OWNER))

    assert owner.get(reverse("admin:search"), {"s": "\x00"}).status_code == 400


def test_an_action_on_all_that_match_is_refused_however_it_is_asked_for() -> None:
    own = tenancy.organization()
    admin_of_it = signed_in(tenancy.member(own, role=Role.ADMIN))
    letter = rows.dead_letter(own)
    form = {"action": "discard_selected", "confirm": "1", "reason": "x", "_selected_action": "0"}

    for asked in ("1", "on", "True"):
        answer = admin_of_it.post(list_of("jobs_deadletter"), form | {"select_across": asked})

        assert answer.status_code == 400
    with at(own):
        letter.refresh_from_db()
    assert letter.state == "open"
