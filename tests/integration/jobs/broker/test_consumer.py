"""What the consumer of a group does beside handing out messages."""

import threading
import uuid
from datetime import timedelta

import dramatiq
import pytest
from dramatiq.middleware import CurrentMessage, Middleware

from jobs.broker import Ack, Entry, Release, RetryAfter
from tests.factories.broker import make_broker
from tests.waiting import eventually

MINUTE = 60_000


@pytest.fixture
def work(broker, group):
    """An actor that notes what it sees of the message it runs for."""
    seen = []

    def work():
        message = CurrentMessage.get_current_message()
        seen.append((message.organization_id, message.options.get("organization_id")))

    actor = dramatiq.actor(work, broker=broker, queue_name=group)
    actor.seen = seen
    return actor


class Dispose(Middleware):
    """Stands in for the execution layer: sets the first run's disposition."""

    def __init__(self, disposition):
        self.dispositions = [disposition]

    def after_process_message(self, broker, message, *, result=None, exception=None):
        if self.dispositions:
            message.disposition = self.dispositions.pop()


def test_the_organization_is_that_of_the_queue(broker, group, work, start_worker):
    work.send_with_options(organization_id=7)
    work.send()
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert sorted(work.seen, key=str) == [(7, 7), (None, None)]


def test_the_organization_is_not_part_of_the_body(broker, group, work, fetch):
    work.send_with_options(organization_id=7)

    [leased] = fetch()

    assert leased.organization_id == 7
    assert b"organization_id" not in leased.body


def test_a_message_without_a_body_is_what_its_queue_and_kind_say(
    broker, queues, group, work, start_worker
):
    queues.enqueue(
        [Entry(organization_id=7, group=group, message_id="m", body=b"", kind=work.actor_name)]
    )
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert work.seen == [(7, 7)]


def test_an_organization_named_by_a_forged_body_is_not_believed(
    broker, group, work, put_body, start_worker
):
    forged = work.message_with_options(organization_id=8)
    put_body(7, forged.encode())
    put_body(None, forged.encode())
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert sorted(work.seen, key=str) == [(7, 7), (None, None)]


def test_an_organization_that_is_no_number_is_refused(work):
    with pytest.raises(TypeError, match="organization_id"):
        work.send_with_options(organization_id="7")


@pytest.mark.parametrize("disposition", [RetryAfter(), Release()])
def test_a_message_runs_again_when_its_disposition_says_so(
    broker, group, work, start_worker, disposition
):
    broker.add_middleware(Dispose(disposition))
    work.send_with_options(organization_id=7)
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert len(work.seen) == 2


def test_a_disposition_holds_for_a_rejected_message_too(broker, group, poisons, start_worker):
    def fail():
        raise ValueError

    dramatiq.actor(fail, broker=broker, queue_name=group, throws=ValueError).send_with_options(
        organization_id=7
    )
    broker.add_middleware(Dispose(Ack()))
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert poisons == []


def test_a_plain_message_is_acknowledged_before_anything_else_runs(broker, group, work):
    work.send()
    consumer = broker.consume(group, prefetch=4, timeout=100)

    consumer.ack(next(consumer))

    assert broker.backend.totals(group).leased == 0


def test_settlements_of_organizations_go_together(broker, group, work, start_worker, client):
    for _ in range(300):
        work.send_with_options(organization_id=7)
    before = _calls(client)
    start_worker(broker)

    broker.join(group, timeout=MINUTE, interval=1_000)

    assert len(work.seen) == 300
    assert _calls(client) - before < 200


def test_a_stopped_worker_gives_back_what_it_has_not_started(broker, group, fetch, start_worker):
    started, go_on = threading.Event(), threading.Event()

    def block():
        started.set()
        go_on.wait(10)

    actor = dramatiq.actor(block, broker=broker, queue_name=group)
    sent = [actor.send_with_options(organization_id=7).message_id for _ in range(6)]
    worker = start_worker(broker, threads=1)
    started.wait(10)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()

    returned = eventually(lambda: broker.backend.depth(group, 7).waiting == 5)
    go_on.set()
    stopping.join(20)

    assert returned
    assert [leased.message_id for leased in fetch()] == sent[1:]
    assert {leased.deliveries for leased in fetch()} <= {0}


def test_a_killed_worker_loses_its_leases_to_the_others(redis_url, queues, group, start_worker):
    dead = make_broker(redis_url, lease_seconds=0.2, heartbeat_seconds=0.1)
    ran = threading.Event()
    alive = make_broker(redis_url, lease_seconds=0.2, heartbeat_seconds=0.1)
    actor = dramatiq.actor(ran.set, actor_name="work", broker=alive, queue_name=group)
    dramatiq.actor(lambda: None, actor_name="work", broker=dead, queue_name=group)
    actor.send_with_options(organization_id=7)
    assert next(dead.consume(group, timeout=100)) is not None

    start_worker(alive)  # and the first consumer never sends a heartbeat

    assert ran.wait(10)
    alive.join(group, timeout=MINUTE)
    dead.close()


def test_a_running_message_keeps_its_lease_beyond_the_lease_time(
    redis_url, queues, group, start_worker
):
    broker = make_broker(redis_url, lease_seconds=0.2, heartbeat_seconds=0.1)
    other = make_broker(redis_url, lease_seconds=0.2, heartbeat_seconds=0.1)
    runs, go_on = [], threading.Event()

    def work():
        runs.append(1)
        go_on.wait(10)

    actor = dramatiq.actor(work, broker=broker, queue_name=group)
    dramatiq.actor(work, broker=other, queue_name=group)
    actor.send()
    start_worker(broker)
    start_worker(other)
    eventually(lambda: runs)
    _wait_out_leases(queues, group, timedelta(seconds=0.2))
    go_on.set()
    broker.join(group, timeout=MINUTE)

    assert len(runs) == 1


def test_an_unheard_answer_to_a_fetch_leaves_nothing_behind(broker, group, work, start_worker):
    work.send_with_options(organization_id=7)
    consumer = broker.consume(group, timeout=100)
    leases = consumer._leases
    broker.backend.fetch(group, broker.consumer_id, 10)  # the answer is lost
    leases._in_doubt = True

    message = eventually(lambda: next(consumer))

    assert message.message_id
    consumer.ack(message)
    consumer.close()


def test_heartbeat_and_lease_must_fit_together(redis_url):
    with pytest.raises(ValueError, match="heartbeat_seconds"):
        make_broker(redis_url, lease_seconds=10, heartbeat_seconds=6)


def test_a_thousand_idle_organizations_need_no_thread_of_their_own(broker, start_worker):
    groups = [f"g{uuid.uuid4().hex}" for _ in range(4)]
    ran = threading.Semaphore(0)
    actors = [
        dramatiq.actor(ran.release, actor_name=f"work-{group}", broker=broker, queue_name=group)
        for group in groups
    ]
    before = threading.active_count()
    start_worker(broker, threads=8)

    for organization_id in range(1_000):
        actors[organization_id % 4].send_with_options(organization_id=organization_id)
    assert all(ran.acquire(timeout=10) for _ in range(1_000))
    actors[0].send_with_options(organization_id=1, delay=MINUTE)

    assert threading.active_count() - before == 8 + len(groups)


def _calls(client):
    return client.info("commandstats")["cmdstat_evalsha"]["calls"]


def _wait_out_leases(queues, group, lease):
    """Until a message put in now would have been reaped from a silent consumer."""
    threading.Event().wait(2 * lease.total_seconds())
