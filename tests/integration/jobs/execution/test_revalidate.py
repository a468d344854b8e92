"""What was true when a job was enqueued is looked at again before anything changes."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.db.models import ProtectedError

from audit.models import AuditEvent
from jobs import deadletters
from jobs.scheduler import publish_all_due
from tenancy import changes
from tenancy.access import Permission
from tenancy.acting import Actor, acting
from tenancy.models import Membership
from tenancy.scope import operator_scope
from tests.factories import member, operator, organization, project, service_account
from tests.factories.jobs import at, queued_job, row
from tests.integration.jobs.execution.looking import letter, until
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ran():
    return []


@pytest.fixture
def job_type(declare, ran):
    return declare(ran.append, permission=Permission.MISSION_EDIT)


def job_by(actor, of, job_type):
    with acting(actor, source="web"):
        return queued_job(of, job_type)


def become(of, state) -> None:
    with operator_scope("a test"), transaction.atomic():
        changes.update(of, state=state)


def membership(of, person) -> Membership:
    return Membership.objects.get(organization=of, user=person)


def remove(of, person):
    changes.delete(membership(of, person))


def lower(of, person):
    changes.update(membership(of, person), role="viewer")


def deactivate(of, person):
    changes.update(membership(of, person), deactivated_at=datetime.now(UTC))


def disable(of, person):
    person.is_active = False
    person.save()


def assert_revoked(ref):
    """Dead at the first attempt, for this reason, and the organization's log says so."""
    until(ref, "dead")
    assert (letter(ref).reason, letter(ref).attempt) == ("authorization_revoked", 1)
    with at(ref.organization_id):
        told = AuditEvent.objects.filter(target_id=str(ref.job_id))
        assert [(one.action, one.outcome) for one in told] == [
            ("job.authorization_revoked", "denied")
        ]


def test_an_editor_s_job_runs(ran, job_type, worker):
    of = organization()
    editor = member(of, role="editor")

    ref = job_by(Actor.user(editor.pk), of, job_type)

    until(ref, "succeeded")
    assert len(ran) == 1


@pytest.mark.parametrize("change", [remove, lower, deactivate, disable])
def test_a_person_who_lost_the_right_meanwhile_changes_nothing(ran, job_type, start_worker, change):
    of = organization()
    editor = member(of, role="editor")
    ref = job_by(Actor.user(editor.pk), of, job_type)
    with at(of):
        change(of, editor)

    start_worker()

    assert_revoked(ref)
    assert ran == []


def test_a_service_account_that_was_disabled_meanwhile_changes_nothing(ran, job_type, start_worker):
    of = organization()
    account = service_account(of)
    ref = job_by(Actor.service(account.pk), of, job_type)
    with at(of):
        changes.update(account, disabled_at=datetime.now(UTC))

    start_worker()

    assert_revoked(ref)
    assert ran == []


def test_an_operator_who_is_none_any_more_changes_nothing(ran, job_type, start_worker):
    of, person = organization(), operator()
    ref = job_by(Actor.operator(person.pk), of, job_type)
    person.is_superuser = False
    person.save()

    start_worker()

    assert_revoked(ref)
    assert ran == []


def test_an_owner_of_another_organization_changes_nothing(ran, job_type, worker):
    of, stranger = organization(), member(organization(), role="owner")

    ref = job_by(Actor.user(stranger.pk), of, job_type)

    assert_revoked(ref)
    assert ran == []


def test_the_system_may_do_what_is_listed_and_no_more(ran, declare, worker):
    of = organization()
    reads = declare(ran.append, permission=Permission.MISSION_VIEW)
    writes = declare(ran.append, permission=Permission.MISSION_EDIT)

    allowed, denied = queued_job(of, reads), queued_job(of, writes)

    until(allowed, "succeeded")
    assert_revoked(denied)
    assert len(ran) == 1


def test_a_right_that_came_back_lets_a_retry_run(ran, job_type, start_worker):
    of = organization()
    editor, admin = member(of, role="editor"), member(of, role="admin")
    ref = job_by(Actor.user(editor.pk), of, job_type)
    with at(of):
        lower(of, editor)
    start_worker()
    assert_revoked(ref)
    with at(of):
        changes.update(membership(of, editor), role="editor")

    with acting(Actor.user(admin.pk), source="admin"), at(of):
        deadletters.retry([ref.job_id], reason="is an editor again")

    until(ref, "succeeded")


def test_jobs_of_a_suspended_organization_wait_and_go_on(ran, job_type, start_worker):
    of = organization()
    editor = member(of, role="editor")
    ref = job_by(Actor.user(editor.pk), of, job_type)
    become(of, "suspended")

    start_worker()
    eventually(lambda: row(ref).hold == "organization_suspended", within=20)
    publish_all_due()
    assert (row(ref).state, row(ref).attempt, ran) == ("scheduled", 0, [])

    become(of, "active")
    eventually(lambda: publish_all_due() or row(ref).state == "succeeded")
    assert row(ref).attempt == 1


def test_a_job_of_a_project_runs_in_its_project(ran, declare, worker):
    mine = project()

    ref = queued_job(mine.organization, declare(ran.append), project_id=mine.pk)

    until(ref, "succeeded")
    assert ran[0].job.project_id == mine.pk


def test_a_project_cannot_go_while_a_job_names_it(declare):
    mine = project()
    queued_job(mine.organization, declare(lambda run: None), project_id=mine.pk)

    with pytest.raises(ProtectedError), at(mine.organization):
        changes.delete(mine)
