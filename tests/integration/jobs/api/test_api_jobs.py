from django.db import transaction

from audit.models import AuditEvent
from jobs.ledger import transitions
from tenancy.scope import scope
from tests.factories import jobs
from tests.factories.api import Caller

WHY = {"reason": "The receiver is repaired."}


def test_a_job_is_shown_with_each_of_its_attempts(admin: Caller) -> None:
    dead = jobs.dead_job(admin.organization, reason="permanent_error")

    shown = admin.get(f"/jobs/{dead.job_id}").json()

    assert (shown["id"], shown["state"]) == (str(dead.job_id), "dead")
    assert shown["payload"] == {"text": ""}
    assert [(one["number"], one["error_class"]) for one in shown["attempts"]] == [(1, "Boom")]


def test_the_attempt_that_is_under_way_is_among_them(admin: Caller) -> None:
    running = jobs.running_job(admin.organization)
    address = f"/jobs/{running.ref.job_id}"

    [attempt] = admin.get(address).json()["attempts"]
    assert (attempt["number"], attempt["outcome"], attempt["ended_at"]) == (1, "", None)
    assert attempt["started_at"] == admin.get(address).json()["started_at"]

    with scope(admin.organization), transaction.atomic():
        transitions.settle(running)
    [attempt] = admin.get(address).json()["attempts"]
    assert (attempt["number"], attempt["outcome"]) == (1, "succeeded")


def test_one_that_is_not_known_to_have_started_began_with_its_claim(admin: Caller) -> None:
    job = jobs.claimed_job(admin.organization)

    shown = admin.get(f"/jobs/{job.ref.job_id}").json()

    assert (shown["state"], shown["started_at"]) == ("running", None)
    claimed_at = jobs.row(job.ref).claimed_at
    assert claimed_at
    [attempt] = shown["attempts"]
    assert attempt["started_at"] == f"{claimed_at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def test_a_waiting_job_says_why_it_waits_without_a_name_or_a_worker(admin: Caller) -> None:
    jobs.queue_control(
        admin.organization, is_paused=True, reason="a flood", changed_by="operator:77"
    )
    waiting, dead = jobs.queued_job(admin.organization), jobs.dead_job(admin.organization)

    why = admin.get(f"/jobs/{waiting.job_id}").json()["waiting_because"]

    assert why.startswith("Its queue was paused by an operator ")
    assert why.endswith("ago: “a flood”. It starts nothing until it is resumed.")
    assert admin.get(f"/jobs/{dead.job_id}").json()["waiting_because"] is None


def test_jobs_are_found_by_what_caused_them(admin: Caller) -> None:
    jobs.queued_job(admin.organization)
    wanted = jobs.queued_job(admin.organization, correlation_id="order-7")

    listed = admin.get("/jobs?correlation_id=order-7&state=queued").json()["items"]

    assert [one["id"] for one in listed] == [str(wanted.job_id)]


def test_a_dead_job_is_retried_and_the_reason_stands_in_the_audit_log(admin: Caller) -> None:
    dead = jobs.dead_job(admin.organization)

    retried = admin.post(f"/jobs/{dead.job_id}/retry", WHY)

    assert retried.status_code == 200
    assert retried.json()["state"] == "queued"
    with scope(admin.organization), transaction.atomic():
        event = AuditEvent.objects.get(action="job.retried", target_id=str(dead.job_id))
    assert event.actor == f"service:{admin.account.pk}"
    assert WHY["reason"] in event.event


def test_a_waiting_job_is_cancelled(admin: Caller) -> None:
    waiting = jobs.queued_job(admin.organization)

    cancelled = admin.post(f"/jobs/{waiting.job_id}/cancel", WHY)

    assert cancelled.json()["state"] == "cancelled"


def test_a_running_job_is_asked_to_end(admin: Caller) -> None:
    running = jobs.running_job(admin.organization)

    asked = admin.post(f"/jobs/{running.ref.job_id}/cancel", WHY).json()

    assert asked["state"] == "running"
    assert asked["cancel_requested_at"]


def test_a_running_job_is_not_retried_and_the_answer_says_why(admin: Caller) -> None:
    running = jobs.running_job(admin.organization)

    refused = admin.post(f"/jobs/{running.ref.job_id}/retry", WHY)

    assert refused.status_code == 409
    assert refused.json()["code"] == "not_in_state"
    assert "running" in refused.json()["detail"]
    assert jobs.row(running.ref).state == "running"


def test_without_a_reason_nothing_is_done(admin: Caller) -> None:
    dead = jobs.dead_job(admin.organization)

    for body in ({}, {"reason": ""}, {"reason": "   "}):
        assert admin.post(f"/jobs/{dead.job_id}/retry", body).status_code == 422
    assert jobs.row(dead).state == "dead"


def test_an_editor_watches_jobs_and_does_not_manage_them(admin: Caller) -> None:
    editor = Caller.of(admin.organization, role="editor")
    dead = jobs.dead_job(admin.organization)

    assert editor.get(f"/jobs/{dead.job_id}").status_code == 200
    assert editor.post(f"/jobs/{dead.job_id}/retry", WHY).status_code == 403
