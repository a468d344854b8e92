"""An admin of one organization who is a viewer of another has no more rights there."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import DeadLetter, Endpoint
from tenancy import changes
from tenancy.models import (
    Assignment,
    Invitation,
    Membership,
    Mission,
    Organization,
    Role,
    ServiceAccount,
)
from tests.factories import admin as rows
from tests.factories import notifications, tenancy
from tests.factories.admin import signed_in
from tests.factories.jobs import at, dead_job, row

pytestmark = pytest.mark.django_db(transaction=True)

FORMSETS = {
    f"{prefix}-{name}": "0"
    for prefix in ("timeline", "assignments")
    for name in ("TOTAL_FORMS", "INITIAL_FORMS")
}
MISSION = {"reference": "M-1", "title": "Taken", "description": "", "state": "planned"} | FORMSETS


@pytest.fixture
def governed() -> Organization:
    return tenancy.organization("Governed")


@pytest.fixture
def viewed() -> Organization:
    return tenancy.organization("Viewed")


@pytest.fixture
def client(governed: Organization, viewed: Organization) -> Client:
    person = tenancy.member(governed, role=Role.ADMIN)
    with at(viewed):
        changes.create(Membership(organization=viewed, user=person, role=Role.VIEWER))
    return signed_in(person)


def address(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def test_a_row_that_may_be_seen_is_not_changed(client: Client, viewed: Organization) -> None:
    mission = tenancy.mission(tenancy.project(viewed))
    form = MISSION | {"project": mission.project_id}

    assert client.get(address("tenancy_mission_change", mission.pk)).status_code == 200
    assert client.post(address("tenancy_mission_change", mission.pk), form).status_code == 403
    deleted = client.post(address("tenancy_mission_delete", mission.pk), {"post": "yes"})
    assert deleted.status_code == 403
    with at(viewed):
        assert Mission.objects.get(pk=mission.pk).title == mission.title


def test_a_new_row_goes_where_the_right_is_whatever_the_form_says(
    client: Client, governed: Organization, viewed: Organization
) -> None:
    for name, form in (
        ("tenancy_invitation_add", {"email": "new@example.test", "role": Role.VIEWER}),
        ("tenancy_serviceaccount_add", {"name": "n", "role": Role.VIEWER}),
        ("jobs_endpoint_add", {"name": "n", "url": "https://hooks.example.com/"}),
    ):
        client.post(address(name), form | {"organization": viewed.pk})

    with at(viewed):
        found = [Invitation.objects.count(), ServiceAccount.objects.count()]
        assert [*found, Endpoint.objects.count()] == [0, 0, 0]


def test_rows_of_the_two_are_not_tied_together(
    client: Client, governed: Organization, viewed: Organization
) -> None:
    own, other = tenancy.mission(tenancy.project(governed)), tenancy.project(viewed)
    person = tenancy.collaborator(viewed)
    assigned = {
        "assignments-TOTAL_FORMS": "1",
        "assignments-0-collaborator": person.pk,
        "assignments-0-mission": own.pk,
        "assignments-0-role": "",
    }
    form = MISSION | {"project": own.project_id, "reference": own.reference}

    moved = client.post(address("tenancy_mission_change", own.pk), form | {"project": other.pk})
    inline = client.post(address("tenancy_mission_change", own.pk), form | assigned)
    alone = client.post(
        address("tenancy_assignment_add"),
        {"organization": governed.pk, "mission": own.pk, "collaborator": person.pk, "role": ""},
    )

    assert [one.status_code for one in (moved, inline, alone)] == [200, 200, 200]
    with at(governed):
        assert Mission.objects.get(pk=own.pk).project_id == own.project_id
        assert not Assignment.objects.exists()


def test_a_dead_job_that_may_be_seen_is_not_retried_by_any_door(
    client: Client, viewed: Organization
) -> None:
    ref = dead_job(viewed)
    with at(viewed):
        letter = DeadLetter.objects.get(job_id=ref.job_id)
    selected = {"action": "retry_selected", "confirm": "1", "_selected_action": str(letter.pk)}

    one = client.post(address("jobs_job_retry", ref.job_id), {"reason": "x"})
    from_letter = client.post(address("jobs_deadletter_retry", letter.pk), {"reason": "x"})
    client.post(address("jobs_deadletter_changelist"), selected | {"reason": "x"})

    assert (one.status_code, from_letter.status_code) == (403, 403)
    assert row(ref).state == "dead"


def test_what_only_admins_see_is_not_there_in_the_other(
    client: Client, governed: Organization, viewed: Organization
) -> None:
    event, account = rows.audit_event(viewed), tenancy.service_account(viewed)
    endpoint = notifications.endpoint(viewed)

    for name, key in (
        ("audit_auditevent_change", event.pk),
        ("tenancy_serviceaccount_change", account.pk),
        ("jobs_endpoint_change", endpoint.pk),
        ("jobs_endpoint_test", endpoint.pk),
    ):
        assert client.get(address(name, key)).status_code == 404, name
    # By rows, not by text: one's own log names the paths that one asked for.
    listed = client.get(address("audit_auditevent_changelist")).context["cl"].result_list
    assert {one.organization_id for one in listed} == {governed.pk}


def test_a_template_of_the_other_is_not_saved(client: Client, viewed: Organization) -> None:
    place = f"/admin/templates/notificationtemplate/{viewed.pk}/mission.created/mail/all/"
    form = {"subject": "s", "text": "t", "html": "", "base": "0", "note": "", "action": "publish"}

    assert client.get(place).status_code == 200
    assert client.post(place, form).status_code == 403
