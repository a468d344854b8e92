"""A running job that somebody cancels ends: at a check, or by an exception; or it was quicker."""

import json
import threading
import time
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection, transaction

from audit.models import AuditEvent
from jobs import control
from jobs.broker.notices import Notice
from jobs.cancels import cancel_of
from jobs.execution import in_hand as in_hand_module
from jobs.execution import middleware
from jobs.execution.in_hand import in_hand
from tenancy import changes
from tenancy.acting import Actor, acting
from tenancy.models import Organization, TimelineEntry
from tests.factories import member, mission
from tests.factories.jobs import at, claim, queued_job, row
from tests.integration.jobs.execution.looking import attempts, until, until_it_runs
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Checking:
    """An actor that writes its effect, and asks whether it may go on until it may not."""

    def __init__(self, place):
        self.place = place
        self.begun = threading.Event()

    def __call__(self, run):
        self.job = run.job
        write(self.place)
        self.begun.set()
        check_until_cancelled(run)


def check_until_cancelled(run):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        run.check_cancelled()


def write(place):
    entry = TimelineEntry(
        organization=place.organization, mission=place, title="x", starts_at=place.created_at
    )
    changes.create(entry)


def entries(place) -> int:
    with at(place.organization):
        return TimelineEntry.objects.filter(mission=place).count()


def cancel(ref):
    with at(ref.organization_id):
        admin = member(Organization.objects.get(pk=ref.organization_id), role="admin")
    with acting(Actor.user(admin.pk), source="admin"), at(ref.organization_id):
        return control.cancel([ref.job_id], reason="not needed any more")


@pytest.fixture
def no_grace(monkeypatch):
    """Whoever does not come to a check is interrupted at the next look."""
    monkeypatch.setattr(in_hand_module, "CANCEL_GRACE", in_hand_module.timedelta(0))


def test_an_actor_that_asks_stops_at_its_check_and_its_effect_is_undone(declare, start_worker):
    place = mission()
    perform = Checking(place)
    ref = queued_job(place.organization, declare(perform))
    start_worker()
    perform.begun.wait(20)

    outcome = cancel(ref)

    job = until(ref, "cancelled")
    assert (outcome.done, outcome.asked, outcome.left) == (0, 1, [])
    assert (job.reason, job.error_class) == ("cancelled", "Cancelled")
    assert job.error_message == "It stopped at a check of its actor."
    assert [one.outcome for one in attempts(ref)] == ["cancelled"]
    assert entries(place) == 0


def test_the_audit_log_tells_who_asked_and_that_it_ended(declare, start_worker):
    perform = Checking(mission())
    ref = queued_job(perform.place.organization, declare(perform))
    start_worker()
    perform.begun.wait(20)

    cancel(ref)

    until(ref, "cancelled")
    with at(ref.organization_id):
        events = AuditEvent.objects.filter(target_type="job", target_id=str(ref.job_id))
        asked, ended = events.order_by("pk")
    assert (asked.action, asked.actor[:5]) == ("job.cancel_requested", "user:")
    assert "not needed any more" in asked.event
    assert (ended.action, ended.actor) == ("job.cancelled", "system")
    assert ended.correlation_id == perform.job.correlation_id
    assert json.loads(ended.event)["detail"] == {
        "job_type": perform.job.job_type,
        "how": "It stopped at a check of its actor.",
        "reason": "not needed any more",
        "asked_by": asked.actor,
    }
    with at(ref.organization_id):
        assert cancel_of(ref.organization_id, ref.job_id).actor == asked.actor


def spin(run):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pass


def wait_for_postgresql(run):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize("perform", [spin, wait_for_postgresql])
def test_one_that_never_asks_is_interrupted_by_an_exception(
    declare, start_worker, no_grace, perform
):
    ref = queued_job(job_type=declare(perform))
    start_worker(threads=1)
    until_it_runs(ref)

    cancel(ref)

    job = until(ref, "cancelled")
    assert job.error_message == "It was interrupted by an exception in its actor."
    assert [one.outcome for one in attempts(ref)] == ["cancelled"]


def test_the_thread_of_an_interrupted_job_runs_the_next_one(declare, start_worker, no_grace):
    doomed = queued_job(job_type=declare(spin))
    start_worker(threads=1)
    until_it_runs(doomed)
    follower = queued_job(job_type=declare(lambda run: None))

    cancel(doomed)

    until(doomed, "cancelled")
    assert until(follower, "succeeded").attempt == 1


def test_a_job_that_was_quicker_has_succeeded(declare, start_worker):
    begun, go_on = threading.Event(), threading.Event()

    def perform(run):
        begun.set()
        go_on.wait(20)

    ref = queued_job(job_type=declare(perform))
    start_worker()
    begun.wait(20)

    cancel(ref)
    go_on.set()

    assert until(ref, "succeeded").cancel_requested_at


def test_an_effect_that_had_begun_is_told_of(declare, start_worker):
    begun = threading.Event()

    def perform(run):
        run.begin_effect(uuid4().hex)
        begun.set()
        check_until_cancelled(run)

    ref = queued_job(job_type=declare(perform, effect="outside"))
    start_worker()
    begun.wait(20)

    cancel(ref)

    job = until(ref, "cancelled")
    assert job.effect_state == "begun"
    assert job.error_message.endswith("Its effect had begun, and may have happened.")


def test_one_that_fails_after_the_request_is_not_tried_again(declare, start_worker):
    runs, begun, go_on = [], threading.Event(), threading.Event()

    def perform(run):
        runs.append(run)
        begun.set()
        go_on.wait(20)
        raise ConnectionError("no answer")

    ref = queued_job(job_type=declare(perform, max_retries=2))
    start_worker()
    begun.wait(20)
    cancel(ref)
    eventually(lambda: in_hand.is_asked_to_end(runs[0].job))
    go_on.set()

    job = until(ref, "cancelled")
    assert (job.attempt, "no answer" in job.error_message) == (1, True)


def test_one_that_was_claimed_and_has_not_started_never_runs(declare, start_worker):
    begun, go_on, ran = threading.Event(), threading.Event(), []

    def perform(run):
        begun.set()
        go_on.wait(20)

    first = queued_job(job_type=declare(perform))
    start_worker(threads=1)
    begun.wait(20)
    second = queued_job(job_type=declare(lambda run: ran.append(run.job.ref)))
    until(second, "running")

    cancel(second)
    eventually(lambda: in_hand.is_asked_to_end(SimpleNamespace(fenced=(second, 1))))
    go_on.set()

    until(first, "succeeded")
    assert until(second, "cancelled").error_message == "It was cancelled before it started."
    assert ran == []


def test_the_heartbeat_brings_what_no_notice_did(declare, start_worker, settings, monkeypatch):
    settings.JOBS_HEARTBEAT_SECONDS = 0.05
    monkeypatch.setattr(middleware, "_cancelled", lambda notice: None)
    place = mission()
    perform = Checking(place)
    ref = queued_job(place.organization, declare(perform))
    start_worker()
    perform.begun.wait(20)

    cancel(ref)

    assert until(ref, "cancelled").reason == "cancelled"


def test_the_family_hears_of_the_end(declare, start_worker):
    heard = []
    perform = Checking(mission())
    job_type = declare(perform, on_dead=lambda job, reason: heard.append((job.ref, reason)))
    ref = queued_job(perform.place.organization, job_type)
    start_worker()
    perform.begun.wait(20)

    cancel(ref)

    until(ref, "cancelled")
    assert heard == [(ref, "cancelled")]


def test_a_notice_about_a_job_of_another_organization_changes_nothing(declare, start_worker):
    perform = Checking(mission())
    ref = queued_job(perform.place.organization, declare(perform))
    start_worker()
    perform.begun.wait(20)

    of_nobody = Notice(kind="cancelled", organization_id=1, job_id=str(ref.job_id))
    middleware._cancelled(of_nobody)

    assert not in_hand.is_asked_to_end(perform.job)
    cancel(ref)
    until(ref, "cancelled")


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_ended_is_left_alone():
    ref = queued_job()

    assert (cancel(ref).done, row(ref).state) == (1, "cancelled")
    assert cancel(ref).left == [(ref.job_id, "cancelled, so there is nothing to cancel")]
    with transaction.atomic():
        assert claim(ref).answer == "finished"
