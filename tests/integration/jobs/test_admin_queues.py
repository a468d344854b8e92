"""The page Queues: what waits, what is set, and an operator's deeds, asked and audited."""

import json

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from jobs.ledger.controls import QueueControl
from tests.factories import member, operator, organization
from tests.factories.admin import signed_in
from tests.factories.jobs import at, queue_control, queued_job, queued_jobs, worker

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = "/admin/jobs/queuecontrol/"


@pytest.fixture
def of(own_line):
    own_line.open_epoch()
    return organization()


@pytest.fixture
def client():
    return signed_in(operator())


def page(client, address, **query) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200, address
    return answer.content.decode().split('id="content"')[1]


def queue(of, group="backfill", deed="") -> str:
    if deed:
        return reverse("admin:jobs_queuecontrol_deed", args=[of.pk, group, deed])
    return reverse("admin:jobs_queuecontrol_queue", args=[of.pk, group])


def row(of, group="backfill") -> QueueControl:
    with at(of):
        return QueueControl.objects.get(queue_group=group)


def test_a_group_shows_whose_jobs_wait_longest(of, client):
    queued_jobs(of, 3)
    queue_control(of, weight=2.0, capacity=500)

    shown = page(client, QUEUES, group="backfill")

    assert "3 waiting, 0 with workers, 0 delayed" in shown
    line = shown.split(f">{of}<")[1].split("</tr>")[0]
    assert ">3</a>" in line
    assert "weight 2, at most 500 waiting" in line


def test_more_than_a_page_of_them_are_on_the_next_one(of, client, monkeypatch):
    monkeypatch.setattr("jobs.admin.queue_lines.ROWS", 2)
    several = [organization() for _ in range(5)]
    for one in several:
        queued_job(one)

    first = page(client, QUEUES, group="backfill")
    after = first.split("after=")[1].split('"')[0].replace("%7E", "~")
    second = page(client, QUEUES, group="backfill", after=after)

    assert [f">{one}<" in first for one in several] == [True, True, False, False, False]
    assert [f">{one}<" in second for one in several] == [False, False, True, True, False]


def test_those_with_something_set_have_a_list_of_their_own(of, client):
    queue_control(of, is_paused=True)
    other = organization()
    queue_control(other, "audit", is_paused=True)
    queue_control(open_again := organization())

    shown = page(client, QUEUES, group="backfill", show="set")

    assert f">{of}<" in shown
    assert f">{other}<" not in shown
    assert f">{open_again}<" not in shown


def test_an_organization_is_found_by_the_beginning_of_its_name_or_by_its_id(of, client):
    named = organization(f"Zephyr {of.pk}")

    assert f">{named}<" in page(client, QUEUES, group="audit", q=f"zephyr {of.pk}")
    assert f">{of}<" in page(client, QUEUES, group="audit", q=str(of.pk))
    assert "No organization begins so." in page(client, QUEUES, q="nobody is called so")


@pytest.mark.parametrize(
    "query",
    [
        {"group": "nightly"},
        {"after": "x"},
        {"after": "12~y"},
        {"show": "set", "after": "x"},
        {"show": "x"},
        {"q": "9" * 30},
        {"organization": "("},
    ],
)
def test_an_address_with_nonsense_in_it_opens(of, client, query):
    page(client, QUEUES, **query)


def test_while_redis_is_away_the_page_says_so_and_shows_what_is_set(of, client, live_valkey):
    queue_control(of, is_paused=True)
    live_valkey.kill()

    shown = page(client, QUEUES, group="backfill", show="set")

    assert 'role="alert"' in shown
    assert f">{of}<" in shown


def test_an_organization_has_a_line_for_each_group(of, client):
    queue_control(of, "audit", is_draining=True)

    shown = page(client, QUEUES, organization=of.pk)

    assert shown.count('scope="row"') == 4
    assert "draining" in shown
    button = client.get(reverse("admin:tenancy_organization_queues", args=[of.pk]))
    assert button.headers["Location"] == f"{QUEUES}?organization={of.pk}"


def test_a_queue_is_paused_with_a_reason_and_resumes_by_itself(of, client):
    worker()
    queued_job(of)
    asked = page(client, queue(of, deed="pause"))
    assert f"Pause the queue backfill of {of}?" in asked

    done = client.post(
        queue(of, deed="pause"), {"minutes": "30", "reason": "their receiver is down"}, follow=True
    )

    shown = done.content.decode()
    assert f"Paused the queue backfill of {of}: backfill." in shown
    assert "Its queue was paused by " in shown
    assert "“their receiver is down”. It resumes by itself at " in shown
    assert row(of).is_paused
    with at(of):
        event = AuditEvent.objects.get(action="queue.paused")
    assert json.loads(event.event)["detail"]["reason"] == "their receiver is down"

    client.post(queue(of, deed="resume"), {"reason": "it is back"})
    assert not row(of).is_paused
    assert "Nothing keeps its jobs from starting." in page(client, queue(of))


def test_all_queues_of_an_organization_are_paused_at_once(of, client):
    client.post(queue(of, "all", "pause"), {"reason": "x"})

    with at(of):
        assert QueueControl.objects.filter(is_paused=True).count() == 4


def test_limits_are_set_in_one_form_and_each_change_is_an_event(of, client):
    queue_control(of, weight=2.0)
    form = {"weight": "2", "concurrency_limit": "5", "rate_per_second": "0.5", "burst": ""}
    assert 'value="2.0"' in page(client, queue(of, deed="limits"))

    client.post(queue(of, deed="limits"), form | {"capacity": "", "reason": "a flood"})

    now = row(of)
    assert (now.weight, now.concurrency_limit, now.rate_per_second) == (2.0, 5, 0.5)
    with at(of):
        actions = AuditEvent.objects.filter(action__startswith="queue.").order_by("pk")
        assert [one.action for one in actions] == ["queue.limited", "queue.rated"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"weight": "0"}, "the others it gets: a number from 0.01 to 100."),
        ({"weight": "1", "burst": "3"}, "Without a rate this limits nothing"),
        (
            {"weight": "1", "concurrency_limit": "0"},
            "with workers at once: a whole number from 1 to 1,000,000, or empty.",
        ),
        ({"weight": ""}, "the others it gets: a number from 0.01 to 100."),
        ({"rate_per_second": "0"}, "in a second: a number from 0.001 to 1,000,000, or empty."),
        ({"weight": "1", "rate_per_second": "many"}, "in a second: a number from 0.001 to"),
    ],
)
def test_a_form_that_cannot_be_followed_says_why_and_changes_nothing(of, client, form, said):
    shown = client.post(queue(of, deed="limits"), form | {"reason": "x"}).content.decode()

    assert said in shown
    with at(of):
        assert not QueueControl.objects.exists()


def test_without_a_reason_nothing_is_done(of, client):
    client.post(queue(of, deed="pause"), {"reason": ""})

    with at(of):
        assert not QueueControl.objects.exists()


@pytest.mark.parametrize("role", ["owner", "admin", "viewer"])
def test_for_members_there_is_no_such_page(of, role):
    client = signed_in(member(of, role=role))
    queue_control(of, is_paused=True)
    own = row(of).pk

    for address in (queue(of), queue(of, deed="resume"), f"{QUEUES}{own}/change/", QUEUES):
        assert client.get(address).status_code == 404, address
        assert client.post(address, {"reason": "x"}).status_code in (403, 404), address
    assert row(of).is_paused
    assert QUEUES not in client.get("/admin/").content.decode()


@pytest.mark.parametrize(
    "address", ["of/999999999/backfill/", "of/0/backfill/", "of/{pk}/nightly/", "of/{pk}/audit/x/"]
)
def test_what_is_not_there_is_not_found(of, client, address):
    assert client.get(QUEUES + address.format(pk=of.pk)).status_code == 404


def test_a_row_leads_to_the_page_of_its_queue(of, client):
    queue_control(of, "audit")

    answer = client.get(f"{QUEUES}{row(of, 'audit').pk}/change/")

    assert answer.headers["Location"] == queue(of, "audit")


def test_a_look_at_an_organizations_queues_is_in_its_log(of, client):
    page(client, queue(of))

    with at(of):
        assert AuditEvent.objects.filter(action="operator.scope_opened").exists()


def test_a_jobs_page_says_why_it_waits_with_the_button_that_lifts_it(of, client):
    queue_control(of, is_paused=True, reason="a flood")
    ref = queued_job(of)
    job = reverse("admin:jobs_job_change", args=[ref.job_id])

    shown = page(client, job)
    assert "Why it is not running now" in shown
    assert "“a flood”. It starts nothing until it is resumed." in shown
    assert queue(of, deed="resume") in shown

    to_member = page(signed_in(member(of, role="admin")), job)
    assert "Its queue was paused by an operator " in to_member
    assert QUEUES not in to_member
