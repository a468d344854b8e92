"""announce: jobs go in line while their caller goes on; what is refused is for the relay."""

import os
import threading

import pytest
import redis
from structlog.testing import capture_logs

from jobs.broker import Entry
from jobs.broker.errors import BrokerUnavailable, NoEpoch
from jobs.broker.queues import Queues


def jobs(group, *ids, organization_id=7):
    return [
        Entry(organization_id=organization_id, group=group, message_id=one, body=b"", kind="t")
        for one in ids
    ]


@pytest.fixture
def own(live_valkey):
    """Queues on a server of the test's own."""
    queues = Queues(live_valkey.url)
    queues.open_epoch()
    yield queues
    queues.close()


@pytest.fixture
def own_client(live_valkey):
    with redis.Redis.from_url(live_valkey.url) as client:
        yield client


def test_whoever_looks_next_sees_all_of_them(queues, group):
    queues.announce(group, jobs(group, *(f"j{number}" for number in range(500))))

    assert queues.depth(group, 7).waiting == 500


def test_announced_twice_they_stand_in_line_once(queues, group, fetch):
    for _ in range(2):
        queues.announce(group, jobs(group, "a", "b"))

    assert [one.message_id for one in fetch()] == ["a", "b"]


def test_threads_announce_at_once(queues, group):
    def announce(of):
        for number in range(20):
            queues.announce(group, jobs(group, f"{of}-{number}"))

    threads = [threading.Thread(target=announce, args=(of,)) for of in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert queues.depth(group, 7).waiting == 160


def test_a_forked_process_announces_on_a_connection_of_its_own(queues, group):
    queues.announce(group, jobs(group, "the parent's"))

    if (child := os.fork()) == 0:
        try:
            queues.announce(group, jobs(group, "the child's"))
            os._exit(0 if queues.depth(group, 7).waiting == 2 else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert queues.depth(group, 7).waiting == 2


def test_scripts_that_redis_forgot_are_sent_once_more(own, own_client):
    own.announce("g", jobs("g", "a"))
    own.depth("g", 7)
    own_client.script_flush()

    own.announce("g", jobs("g", "b"))

    assert own.depth("g", 7).waiting == 2


def test_what_redis_refuses_is_logged_and_disturbs_nobody(own, own_client):
    own_client.delete("jobs:epoch")

    with capture_logs() as logs:
        own.announce("g", jobs("g", "a", "b"))
        with pytest.raises(NoEpoch):
            own.totals("g")

    [line] = logs
    assert (line["event"], line["jobs"]) == ("jobs_publish_deferred", 2)
    own.open_epoch()
    own.announce("g", jobs("g", "a", "b"))
    assert own.depth("g", 7).waiting == 2


def test_the_next_are_in_line_after_redis_went_away_before_it_answered(own, live_valkey):
    own.announce("g", jobs("g", "a"))
    live_valkey.kill()
    with pytest.raises(BrokerUnavailable):
        own.announce("g", jobs("g", "b"))

    live_valkey.start()
    own.open_epoch()
    own.announce("g", jobs("g", "c"))

    assert own.depth("g", 7).waiting == 1
