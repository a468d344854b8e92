"""The one door for writes of entities: what goes through it is audited and becomes news."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from tenancy import changes, tokens
from tenancy.acting import Actor, acting
from tenancy.entities import Recorded
from tenancy.models import DomainEvent, Mission, Organization, Project, TimelineEntry
from tenancy.scope import scope
from tests import factories

pytestmark = pytest.mark.django_db


def logged(entity: Recorded) -> list[dict[str, Any]]:
    """The audit events about an entity, oldest first, each with what it tells about persons."""
    with scope(entity.organization_id), transaction.atomic():
        found = AuditEvent.objects.filter(
            organization_id=entity.organization_id,
            target_type=entity._meta.model_name,
            target_id=str(entity.pk),
        ).order_by("id")
        return [json.loads(one.event) | {"personal": one.personal} for one in found]


def news(mission: Mission) -> list[str]:
    with scope(mission.organization_id), transaction.atomic():
        found = DomainEvent.objects.filter(
            organization_id=mission.organization_id, mission_id=mission.pk
        ).order_by("id")
        return [one.event_type for one in found]


def test_a_creation_is_audited_with_what_was_made_and_is_news() -> None:
    mission = factories.mission(title="Mend the fence")

    (event,) = logged(mission)
    assert event["action"] == "mission.created"
    assert event["changes"]["title"] == {"before": None, "after": "Mend the fence"}
    assert event["project_id"] == mission.project_id
    assert news(mission) == ["mission.created"]


def test_an_update_is_audited_with_the_fields_that_differ() -> None:
    mission = factories.mission(title="Old")

    with scope(mission.organization):
        changes.update(mission, title="New", description="")

    assert logged(mission)[-1]["action"] == "mission.changed"
    assert logged(mission)[-1]["changes"] == {"title": {"before": "Old", "after": "New"}}
    assert news(mission) == ["mission.created", "mission.changed"]


def test_an_update_without_a_difference_tells_nobody() -> None:
    mission = factories.mission()

    with scope(mission.organization):
        changes.update(mission, title=mission.title, state=mission.state)

    assert len(logged(mission)) == len(news(mission)) == 1


def test_an_update_compares_with_the_database_not_with_what_is_remembered() -> None:
    mission = factories.mission(title="first")
    stale = Mission(pk=mission.pk, organization_id=mission.organization_id, title="never was")

    with scope(mission.organization):
        now = changes.update(stale, title="second")

    assert logged(mission)[-1]["changes"] == {"title": {"before": "first", "after": "second"}}
    assert now.reference == mission.reference


def test_a_reference_that_moves_is_audited_by_its_key() -> None:
    mission = factories.mission()
    other = factories.project(mission.organization)
    pair = {"before": mission.project_id, "after": other.pk}

    with scope(mission.organization):
        changes.update(mission, project=other)

    assert logged(mission)[-1]["changes"] == {"project_id": pair}


def test_a_secret_that_changes_is_named_without_its_value() -> None:
    account = factories.service_account()

    with scope(account.organization_id):
        token = tokens.replace(account)

    event = logged(account)[-1]
    assert event["action"] == "serviceaccount.changed"
    assert event["detail"]["also_changed"] == ["token_digest"]
    assert tokens.digest(token) not in json.dumps(event)


def test_what_is_about_a_person_is_kept_apart() -> None:
    collaborator = factories.collaborator(name="Ada Byron", email="ada@example.test")

    with scope(collaborator.organization):
        changes.update(collaborator, name="Ada Lovelace", role="Surveyor")

    event = logged(collaborator)[-1]
    assert event["changes"] == {"role": {"before": "", "after": "Surveyor"}}
    assert json.loads(event.pop("personal")) == {
        "name": {"before": "Ada Byron", "after": "Ada Lovelace"}
    }
    assert "Ada" not in json.dumps(event)


@pytest.mark.parametrize("name", ["organization", "organization_id", "pk", "id"])
def test_an_entity_stays_the_one_it_is(name: str) -> None:
    project = factories.project()
    other = factories.organization()

    with scope([project.organization, other]), pytest.raises(ValueError, match="keeps its"):
        changes.update(project, **{name: other if name == "organization" else other.pk})


def test_the_save_of_a_form_never_moves_an_entity_to_another_organization() -> None:
    project = factories.project(name="Ours")
    other = factories.organization()
    moved = Project(pk=project.pk, organization=other, code="x", name="Theirs")
    moved._state.adding = False

    with scope([project.organization, other]), pytest.raises(Project.DoesNotExist):
        changes.save(moved)


def test_a_suspension_is_audited_in_the_log_of_the_organization() -> None:
    organization = factories.organization()

    with scope(organization):
        changes.update(organization, state="suspended")

    state = {"before": "active", "after": "suspended"}
    assert logged(organization)[-1]["changes"] == {"state": state}


def test_a_deletion_is_audited_with_all_that_goes_along() -> None:
    assignment = factories.assignment(role="Lead")
    mission = assignment.mission
    entry = factories.timeline_entry(mission, title="Arrival")

    with scope(mission.organization):
        changes.delete(mission)

    assert logged(mission)[-1]["changes"]["title"] == {"before": mission.title, "after": None}
    assert logged(assignment)[-1]["action"] == "assignment.deleted"
    assert logged(entry)[-1]["changes"]["title"] == {"before": "Arrival", "after": None}
    assert news(mission)[-1] == "assignment.removed"


def test_what_must_not_go_is_refused_and_nothing_is_told() -> None:
    mission = factories.mission()

    with scope(mission.organization), pytest.raises(ProtectedError):
        changes.delete(mission.project)

    assert [one["action"] for one in logged(mission.project)] == ["project.created"]


def test_many_are_created_with_a_fixed_number_of_queries(django_assert_num_queries: Any) -> None:
    mission = factories.mission()
    entries = [
        TimelineEntry(
            organization_id=mission.organization_id,
            mission_id=mission.pk,
            title=f"Entry {number}",
            starts_at=mission.created_at,
        )
        for number in range(50)
    ]

    with scope(mission.organization), django_assert_num_queries(9):
        changes.create_many(entries)

    assert news(mission) == ["mission.created", *["timeline.entry_added"] * 50]


def test_one_write_has_one_correlation_id_also_when_nobody_said_who_acts() -> None:
    mission = factories.mission()

    with scope(mission.organization):
        event = DomainEvent.objects.get(mission_id=mission.pk)

    assert event.correlation_id == logged(mission)[0]["correlation_id"]


def test_who_acted_is_in_the_log_and_in_the_news() -> None:
    mission = factories.mission()
    person = factories.member(mission.organization, name="Robin Keller")

    with (
        scope(mission.organization),
        acting(Actor.user(person.pk), source="admin", correlation_id="request-1"),
    ):
        changes.update(mission, title="New")
        event = DomainEvent.objects.first()

    assert event is not None
    assert event.actor_id == logged(mission)[-1]["actor"] == f"user:{person.pk}"
    assert event.correlation_id == logged(mission)[-1]["correlation_id"] == "request-1"
    assert event.data["actor"] == {"name": "Robin Keller"}


def test_a_rollback_leaves_neither_change_nor_log_nor_news() -> None:
    mission = factories.mission(title="Old")

    with (  # noqa: PT012 - the change is made, then something else fails
        scope(mission.organization),
        pytest.raises(ZeroDivisionError),
        transaction.atomic(),
    ):
        changes.update(mission, title="New")
        raise ZeroDivisionError

    with scope(mission.organization):
        assert Mission.objects.get(pk=mission.pk).title == "Old"
    assert len(logged(mission)) == len(news(mission)) == 1


def test_a_refused_insert_leaves_no_log() -> None:
    project = factories.project(code="once")

    with scope(project.organization), pytest.raises(IntegrityError):
        changes.create(Project(organization=project.organization, code="once", name="x"))

    with scope(project.organization):
        assert AuditEvent.objects.filter(action="project.created").count() == 1


def test_a_listener_that_raises_undoes_the_write() -> None:
    organization = factories.organization()

    def refuse(told: Any, events: Any) -> None:
        raise ZeroDivisionError

    changes.register_listener(refuse)
    try:
        with scope(organization), pytest.raises(ZeroDivisionError):
            changes.create(Project(organization=organization, code="x", name="x"))
    finally:
        changes._listeners.remove(refuse)

    with scope(organization):
        assert not Project.objects.exists()


def test_many_are_changed_by_one_statement_and_each_is_told_of() -> None:
    project = factories.project()
    missions = [factories.mission(project, title=title) for title in ("a", "b", "new")]

    with scope(project.organization), CaptureQueriesContext(connection) as seen:
        now = changes.update_many(reversed(missions), title="new")

    assert [one.title for one in now] == ["new"] * 3
    assert [one.pk for one in now] == [one.pk for one in missions]
    assert sum(one["sql"].startswith("UPDATE") for one in seen) == 1
    assert [len(news(one)) for one in missions] == [2, 2, 1]
    assert logged(missions[0])[-1]["changes"] == {"title": {"before": "a", "after": "new"}}


def test_of_many_with_one_that_is_gone_none_is_changed() -> None:
    project = factories.project()
    kept, gone = factories.mission(project, title="kept"), factories.mission(project)

    with scope(project.organization):
        changes.delete(gone)
        with pytest.raises(Mission.DoesNotExist), transaction.atomic():
            changes.update_many([kept, gone], title="new")

    assert len(news(kept)) == 1
    assert logged(kept)[-1]["action"] == "mission.created"


def test_many_of_another_organization_are_not_there() -> None:
    mine, theirs = factories.mission(), factories.mission()
    forged = Mission(pk=theirs.pk, organization_id=mine.organization_id)

    with scope([mine.organization, theirs.organization]):
        for one in (theirs, forged):
            with (
                scope(mine.organization),
                pytest.raises(Mission.DoesNotExist),
                transaction.atomic(),
            ):
                changes.update_many([mine, one], title="new")
        with pytest.raises(Mission.DoesNotExist), transaction.atomic():
            changes.update_many([mine, forged], title="new")

    assert len(logged(mine)) == len(logged(theirs)) == 1


def test_nothing_to_change_is_no_statement() -> None:
    with CaptureQueriesContext(connection) as seen:
        assert changes.update_many([], title="new") == []

    assert len(seen) == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_updates_of_different_fields_lose_none() -> None:
    mission = factories.mission()
    values = [{"title": "new"}, {"description": "new"}, {"reference": "new"}, {"state": "active"}]

    def change(value: dict[str, str]) -> None:
        try:
            with scope(mission.organization_id), transaction.atomic():
                changes.update(mission, **value)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(values)) as pool:
        list(pool.map(change, values))

    with scope(mission.organization), transaction.atomic():
        now = Mission.objects.get(pk=mission.pk)
    assert (now.title, now.description, now.reference, now.state) == ("new",) * 3 + ("active",)
    assert len(logged(mission)) == 1 + len(values)


@pytest.mark.django_db(transaction=True)
def test_concurrent_updates_of_one_field_form_a_chain_in_the_log() -> None:
    organization = factories.organization("0")

    def rename(name: str) -> None:
        try:
            with scope(organization), transaction.atomic():
                changes.update(organization, name=name)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rename, "1234"))

    steps = [one["changes"]["name"] for one in logged(organization)]
    by_before = {one["before"]: one["after"] for one in steps}
    assert len(by_before) == 5
    with scope(organization), transaction.atomic():
        last = Organization.objects.get(pk=organization.pk).name
    assert set(by_before.values()) - set(by_before.keys()) == {last}


def test_an_assignment_moved_to_another_person_names_both() -> None:
    assignment = factories.assignment()
    before = assignment.collaborator
    after = factories.collaborator(assignment.organization)

    with scope(assignment.organization):
        changes.update(assignment, collaborator=after)
        event = DomainEvent.objects.get(event_type="assignment.reassigned")

    assert event.data["previous"]["id"] == before.pk
    assert event.data["assignment"]["collaborator"]["id"] == after.pk
