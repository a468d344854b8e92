"""manage.py queues: what waits, whose it is, and what an operator sets on it."""

import json
import time
from datetime import UTC, datetime, timedelta
from io import StringIO

import dramatiq
import pytest
from django.core.management import CommandError, call_command

from jobs.ledger import relay
from tenancy import clock
from tests.factories import operator, organization
from tests.factories.jobs import queue_control, queued_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of(redis_url):
    relay.recover()
    return organization()


def queues(*words) -> str:
    out = StringIO()
    call_command("queues", *words, stdout=out)
    return out.getvalue()


def test_shows_each_group_and_the_organizations_that_wait(of):
    queued_jobs(of, 3)

    rows = json.loads(queues("--limit", "100000", "--json"))

    assert {one["queue_group"] for one in rows if one["organization"] == "all"} == {
        "notifications", "indexing", "backfill", "audit",
    }  # fmt: skip
    [mine] = [one for one in rows if one["organization_id"] == of.pk]
    assert (mine["queue_group"], mine["organization"], mine["waiting"]) == ("backfill", of.slug, 3)


def test_prints_a_line_each_for_people(of):
    queued_jobs(of, 2)

    title, *lines = queues("--limit", "100000").splitlines()

    assert title.startswith("QUEUE GROUP  ")
    [mine] = [line.split() for line in lines if of.slug in line]
    assert mine[:3] == ["backfill", of.slug, "2"]


def test_a_redis_that_is_away_is_a_sentence(live_valkey):
    from jobs.broker.broker import GroupBroker

    away = GroupBroker(url=live_valkey.url)
    live_valkey.kill()
    before = dramatiq.get_broker()
    dramatiq.set_broker(away)
    try:
        with pytest.raises(CommandError):
            queues()
    finally:
        dramatiq.set_broker(before)
        away.close()


def order(*words) -> str:
    return queues(*words, "--operator", operator().email, "--reason", "they flood us")


def test_shows_what_is_set_on_a_queue_also_where_nothing_waits(of):
    queue_control(of, "audit", is_draining=True, concurrency_limit=5)

    rows = json.loads(queues("--limit", "100000", "--json"))

    [mine] = [one for one in rows if one["organization_id"] == of.pk]
    assert (mine["queue_group"], mine["organization"], mine["waiting"]) == ("audit", of.slug, 0)
    assert mine["state"] == ["draining", "at most 5 at once"]
    assert (mine["is_draining"], mine["concurrency_limit"], mine["weight"]) == (True, 5, 1.0)


def test_pauses_and_resumes_a_queue_and_says_so(of):
    paused = order("pause", "--organization", of.slug, "--group", "backfill")
    resumed = order("resume", "--organization", str(of.pk))

    assert paused == f"backfill of {of.slug}: paused.\n"
    assert resumed == f"backfill of {of.slug}: open, without limits.\n"


def test_a_pause_for_a_while_says_until_when(of):
    said = order("pause", "--for", "90m", "--organization", of.slug, "--group", "audit", "--json")

    [row] = json.loads(said)
    left = datetime.fromisoformat(row["paused_until"]) - datetime.now(UTC)
    assert timedelta(minutes=89) < left <= timedelta(minutes=90)
    assert (row["organization"], row["queue_group"], row["is_paused"]) == (of.slug, "audit", True)


def test_a_pause_ends_by_the_clock_of_postgresql(of, monkeypatch):
    now = datetime.now(UTC)
    theirs = now + timedelta(hours=2)  # this machine is two hours late
    monkeypatch.setattr(clock, "_asked", (theirs, time.monotonic()))

    said = order("pause", "--for", "90m", "--organization", of.slug, "--group", "audit", "--json")

    ends = datetime.fromisoformat(json.loads(said)[0]["paused_until"])
    assert theirs <= ends - timedelta(minutes=90) < theirs + timedelta(hours=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("drain",), "draining"),
        (("limit", "5"), "at most 5 at once"),
        (("weight", "2.5"), "weight 2.5"),
        (("rate", "0.5", "--burst", "3"), "0.5 a second (3 at once)"),
        (("capacity", "1000"), "at most 1,000 waiting"),
    ],
)
def test_each_control_is_set_and_said(of, words, said):
    told = order(*words, "--organization", of.slug, "--group", "backfill")

    assert told == f"backfill of {of.slug}: {said}.\n"


def test_a_limit_is_taken_off_again(of):
    order("limit", "5", "--organization", of.slug, "--group", "backfill")

    told = order("limit", "none", "--organization", of.slug)

    assert told == f"backfill of {of.slug}: open, without limits.\n"


def test_what_is_so_already_is_said_too(of):
    assert order("resume", "--organization", of.slug) == (
        f"Nothing to change: it is so already for {of.slug}.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "--for", "soon"), "write 90s, 30m, 2h or 1d"),
        (("limit", "many"), "not a whole number; write one, or none"),
        (("limit", "0"), "pause the queue to let none run"),
        (("weight", "0"), "choose one from 0.01 to 100"),
        (("rate", "fast"), "not a number; write one, or none"),
        (("pause", "--group", "nightly"), "notifications"),
    ],
)
def test_what_cannot_be_done_says_what_could(of, words, said):
    with pytest.raises(CommandError, match=said):
        order(*words, "--organization", of.slug)


def test_an_organization_that_is_not_there_is_a_sentence(of):
    with pytest.raises(CommandError, match=r"'nowhere'\. Give its slug or its number"):
        order("pause", "--organization", "nowhere")
