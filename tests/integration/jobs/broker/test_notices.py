"""News for running workers: heard at once, and read again after a connection was lost."""

import uuid

import pytest

from jobs.broker import notices
from jobs.broker.messages import Control
from jobs.broker.notices import Listener, Notice, publish
from jobs.broker.queues import Queues
from tests.waiting import eventually


@pytest.fixture
def queues(live_valkey):
    queues = Queues(live_valkey.url)
    queues.open_epoch()
    yield queues
    queues.close()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def listener(queues, heard):
    listener = Listener()
    listener.start(queues, ["backfill"], heard.append)
    yield listener
    listener.stop()


def is_heard(queues, heard) -> bool:
    """Whether it listens by now: nobody hears what was said before."""
    publish(queues, Notice(kind="cancelled", organization_id=0, job_id="probe"))
    return bool(heard)


def test_a_pause_is_known_until_it_ends(queues, listener, heard):
    eventually(lambda: is_heard(queues, heard))

    publish(queues, Notice(kind="paused", organization_id=7, group="backfill"))
    eventually(lambda: listener.is_paused("backfill", 7))
    assert not listener.is_paused("backfill", 8)
    assert not listener.is_paused("audit", 7)

    publish(queues, Notice(kind="resumed", organization_id=7, group="backfill"))
    eventually(lambda: not listener.is_paused("backfill", 7))


def test_a_cancelled_job_is_told_of(queues, listener, heard):
    eventually(lambda: is_heard(queues, heard))

    publish(queues, Notice(kind="cancelled", organization_id=7, job_id="a"))

    eventually(lambda: [one for one in heard if (one.organization_id, one.job_id) == (7, "a")])


def test_who_connects_reads_the_pauses_that_are_in_force(queues, heard):
    queues.control("backfill", {7: Control(is_paused=True), 8: Control(weight=2)})
    listener = Listener()

    listener.start(queues, ["backfill"], heard.append)

    eventually(lambda: listener.is_paused("backfill", 7))
    assert not listener.is_paused("backfill", 8)
    listener.stop()


def test_a_lost_connection_is_made_again_and_what_was_missed_is_read(
    queues, listener, heard, live_valkey
):
    eventually(lambda: is_heard(queues, heard))
    publish(queues, Notice(kind="paused", organization_id=7, group="backfill"))
    eventually(lambda: listener.is_paused("backfill", 7))

    live_valkey.kill()
    live_valkey.start()
    queues.open_epoch()
    queues.control("backfill", {8: Control(is_paused=True)})

    eventually(lambda: listener.is_paused("backfill", 8), within=20)
    assert not listener.is_paused("backfill", 7)


def test_what_is_no_notice_is_passed_over(queues, listener, heard):
    eventually(lambda: is_heard(queues, heard))

    for nonsense in (
        "nonsense",
        "[]",
        "[" * 100_000,
        '{"kind": "paused", "colour": "red"}',
        '{"kind": "paused", "organization_id": [], "group": "backfill"}',
    ):
        queues.publish(nonsense)

    heard.clear()
    eventually(lambda: is_heard(queues, heard))


def test_what_cannot_be_cancelled_is_passed_over(queues):
    heard = []

    def cancelled(notice):
        heard.append(uuid.UUID(notice.job_id))

    listener = Listener()
    listener.start(queues, ["backfill"], cancelled)
    job_id = uuid.uuid4()

    def is_told_of():
        publish(queues, Notice(kind="cancelled", organization_id=7, job_id="a"))
        publish(queues, Notice(kind="cancelled", organization_id=7, job_id=str(job_id)))
        return job_id in heard

    eventually(is_told_of)
    listener.stop()


def test_a_pause_whose_end_nobody_told_of_ends_all_the_same(queues, listener, heard, monkeypatch):
    monkeypatch.setattr(notices, "DOUBT_SECONDS", 0.1)
    queues.control("backfill", {8: Control(is_paused=True)})
    eventually(lambda: is_heard(queues, heard))
    for organization_id in (7, 8):
        paused = Notice(kind="paused", organization_id=organization_id, group="backfill")
        publish(queues, paused)
    eventually(lambda: listener.is_paused("backfill", 8))

    eventually(lambda: not listener.is_paused("backfill", 7))
    assert listener.is_paused("backfill", 8)


def test_without_redis_nothing_is_raised(queues, live_valkey):
    live_valkey.kill()

    publish(queues, Notice(kind="paused", organization_id=7, group="backfill"))
