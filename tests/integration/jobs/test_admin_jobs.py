"""The list of jobs, a job's page, and what may be done there in which state."""

import re
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from jobs.ledger import transitions
from jobs.ledger.failures import Failure
from jobs.ledger.transitions import JobRef
from tenancy.models import Organization
from tests import servers
from tests.factories import jobs, tenancy
from tests.factories.admin import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_url")]

LIST = "admin:jobs_job_changelist"


@pytest.fixture
def own() -> Organization:
    return tenancy.organization()


@pytest.fixture
def admin(own: Organization) -> Client:
    return signed_in(tenancy.member(own, role="admin"))


def address(ref: JobRef, page: str = "change") -> str:
    return reverse(f"admin:jobs_job_{page}", args=[ref.job_id])


def shown(client: Client, ref: JobRef) -> str:
    return client.get(address(ref)).content.decode()


def listed(client: Client, **query: str) -> str:
    return client.get(reverse(LIST), query).content.decode()


def told(client: Client, ref: JobRef) -> list[tuple[str, str]]:
    """Number and outcome of each attempt, as the page of the job has them."""
    pattern = r"Attempt (\d+)</strong>.*?<span[^>]*>(\w+)</span>"
    return re.findall(pattern, shown(client, ref), re.DOTALL)


def offers(page: str) -> set[str]:
    """The buttons of a job's page."""
    return {verb for verb in ("retry", "discard", "restore", "cancel") if f"/{verb}/" in page}


def test_the_page_says_what_happened_and_what_comes_next(own: Organization, admin: Client) -> None:
    dead = jobs.dead_job(own, reason="retries_exhausted")

    page = shown(admin, dead)

    assert "because its last retry failed" in page
    assert "until a person retries or discards it" in page
    assert "Boom" in page


def test_the_attempt_that_is_under_way_is_told_of_beside_those_that_ended(
    own: Organization, admin: Client
) -> None:
    first = jobs.running_job(own)
    with jobs.at(own):
        failure = Failure(error_class="Boom", message="boom")
        transitions.retry(first, delay=timedelta(0), failure=failure)
    second = jobs.claim(first.ref).claimed
    assert second

    assert told(admin, first.ref) == [("1", "failed"), ("2", "running")]
    with jobs.at(own):
        transitions.settle(second)
    assert told(admin, first.ref) == [("1", "failed"), ("2", "succeeded")]


def test_one_whose_worker_died_unseen_is_said_to_be_given_back_and_not_known_to_have_started(
    own: Organization, admin: Client
) -> None:
    silent = jobs.worker()
    ref = jobs.claimed_job(own, worker_id=silent).ref
    jobs.fall_silent(silent)
    jobs.claim(ref)

    assert told(admin, ref) == [("1", "released"), ("1", "running")]
    assert "Whether this had started is not known." in shown(admin, ref)


def test_only_what_the_state_allows_is_offered(own: Organization, admin: Client) -> None:
    assert offers(shown(admin, jobs.dead_job(own))) == {"retry", "discard"}
    assert offers(shown(admin, jobs.queued_job(own))) == {"cancel"}
    assert offers(shown(admin, jobs.running_job(own).ref)) == {"cancel"}


def test_who_may_only_look_is_offered_nothing(own: Organization) -> None:
    dead = jobs.dead_job(own)
    viewer = signed_in(tenancy.member(own, role="viewer"))

    assert offers(shown(viewer, dead)) == set()
    assert viewer.post(address(dead, "retry"), {"reason": "please"}).status_code == 403
    assert jobs.row(dead).state == "dead"


def test_a_retry_asks_for_a_reason_and_says_what_it_did(own: Organization, admin: Client) -> None:
    dead = jobs.dead_job(own)

    asked = admin.get(address(dead, "retry")).content.decode()
    assert "Not begun (safe)" in asked
    assert jobs.row(dead).state == "dead"
    done = admin.post(address(dead, "retry"), {"reason": "receiver mended"}, follow=True)

    assert "Retried 1 job." in done.content.decode()
    assert jobs.row(dead).state == "queued"
    with jobs.at(own):
        event = AuditEvent.objects.get(action="job.retried", target_id=str(dead.job_id))
    assert "receiver mended" in event.event


def test_a_discarded_job_can_be_restored(own: Organization, admin: Client) -> None:
    dead = jobs.dead_job(own)

    admin.post(address(dead, "discard"), {"reason": "not needed"})
    assert offers(shown(admin, dead)) == {"restore"}
    admin.post(address(dead, "restore"), {"reason": "needed after all"})

    assert jobs.row(dead).state == "dead"


def test_a_waiting_job_is_cancelled(own: Organization, admin: Client) -> None:
    waiting = jobs.queued_job(own)

    done = admin.post(address(waiting, "cancel"), {"reason": "a mistake"}, follow=True)

    assert "Cancelled 1 job." in done.content.decode()
    assert jobs.row(waiting).state == "cancelled"


def test_the_page_says_who_cancelled_it_and_why(own: Organization, admin: Client) -> None:
    waiting, running = jobs.queued_job(own), jobs.running_job(own).ref

    for ref in (waiting, running):
        admin.post(address(ref, "cancel"), {"reason": "sent twice <b>"})
        page = shown(admin, ref)
        assert "Cancel asked for" in page
        assert "“sent twice &lt;b&gt;”" in page


def test_the_headline_promises_nothing_that_the_explanation_denies(
    own: Organization, admin: Client
) -> None:
    jobs.queue_control(own, is_paused=True, reason="a flood")

    page = shown(admin, jobs.queued_job(own))

    assert "Its queue was paused" in page
    assert "and not started yet." in page
    assert "worker of its group takes it" not in page


def test_a_job_that_moved_on_meanwhile_is_left_alone(own: Organization, admin: Client) -> None:
    dead = jobs.dead_job(own)

    done = admin.post(address(dead, "cancel"), {"reason": "too late"}, follow=True)

    assert "left 1 alone" in done.content.decode()
    assert jobs.row(dead).state == "dead"


def test_a_running_job_is_asked_to_end_once(own: Organization, admin: Client) -> None:
    running = jobs.running_job(own).ref

    done = admin.post(address(running, "cancel"), {"reason": "a mistake"}, follow=True)

    assert "Cancelled 0 jobs, asked 1 running to end." in done.content.decode()
    page = shown(admin, running)
    assert "Somebody asked it to end." in page
    assert offers(page) == set()


def test_the_list_says_what_it_leaves_out_and_leads_to_all(
    own: Organization, admin: Client
) -> None:
    done = jobs.running_job(own)
    with jobs.at(own):
        transitions.settle(done)

    page = admin.get(reverse(LIST))
    changelist = page.context["cl"]
    everything = admin.get(reverse(LIST) + changelist.clear_all_filters_qs)

    assert changelist.has_active_filters
    assert "State: Not succeeded; Time: Last 24 hours" in page.content.decode()
    assert list(changelist.result_list) == []
    assert [one.pk for one in everything.context["cl"].result_list] == [done.ref.job_id]
    assert not everything.context["cl"].has_active_filters


def test_the_list_names_the_filters_that_were_chosen(own: Organization, admin: Client) -> None:
    page = listed(admin, state="dead", window="7d", type="notifications.fan_out")

    assert "State: Dead; Time: Last 7 days; Job type: notifications.fan_out" in page


def test_what_an_outsider_filled_in_is_shown_as_text(own: Organization, admin: Client) -> None:
    note = jobs.Note(text="</pre><script>alert(1)</script>")
    queued = jobs.queued_job(own, payload=note)

    page = shown(admin, queued) + listed(admin)

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_list_shows_the_unfinished_of_the_last_day_until_asked(
    own: Organization, admin: Client
) -> None:
    dead, queued = jobs.dead_job(own), jobs.queued_job(own)

    assert str(dead.job_id) in listed(admin)
    assert str(queued.job_id) in listed(admin)
    assert str(queued.job_id) not in listed(admin, state="dead")
    assert str(dead.job_id) not in listed(admin, state="live")
    assert str(dead.job_id) not in listed(admin, group="audit")


def test_a_search_finds_a_job_by_its_id_or_its_correlation_id(
    own: Organization, admin: Client
) -> None:
    correlation_id = str(uuid.uuid4())
    wanted = jobs.queued_job(own, correlation_id=correlation_id)
    other = jobs.queued_job(own)

    for term in (str(wanted.job_id), correlation_id):
        found = listed(admin, q=term)
        assert str(wanted.job_id) in found
        assert str(other.job_id) not in found
    assert "Nothing matches" in listed(admin, q="no such thing")


def test_the_jobs_of_one_cause_are_listed_together(own: Organization, admin: Client) -> None:
    cause = str(uuid.uuid4())
    first = jobs.queued_job(own, correlation_id=cause)
    second = jobs.dead_job(own, correlation_id=cause)

    page = shown(admin, first)

    assert address(second) in page
    assert "1 dead" in page


def test_an_operator_who_reads_a_payload_leaves_an_entry_in_that_log(own: Organization) -> None:
    queued = jobs.queued_job(own)
    operator = tenancy.operator()

    shown(signed_in(operator), queued)

    with jobs.at(own):
        event = AuditEvent.objects.get(action="operator.scope_opened")
    assert event.actor == f"operator:{operator.pk}"
    assert address(queued) in event.event


def test_a_list_that_takes_too_long_ends_with_a_page_that_says_so(admin: Client) -> None:
    with psycopg.connect(servers.current().database_url("owner")) as somebody_else:
        somebody_else.execute("LOCK TABLE jobs_job")

        response = admin.get(reverse(LIST))

    assert response.status_code == 200
    assert "took too long" in response.content.decode()
