"""Actors without an organization run as Dramatiq documents, on real worker threads."""

import threading
from collections import Counter

import dramatiq
import pytest
from dramatiq import Retry
from dramatiq.errors import QueueJoinTimeout, QueueNotFound
from dramatiq.middleware import GroupCallbacks, Middleware, SkipMessage
from dramatiq.rate_limits.backends import StubBackend as RateLimiterStub
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend

from tests.waiting import eventually

MINUTE = 60_000


@pytest.fixture
def actor(broker, group):
    """Declare an actor on this test's broker and queue."""

    def declare(fn, **options):
        return dramatiq.actor(fn, broker=broker, queue_name=group, **options)

    return declare


def test_a_message_runs_and_is_forgotten(broker, group, actor, start_worker):
    ran = []
    actor(ran.append, actor_name="append").send(42)
    start_worker(broker)

    broker.join(group, timeout=MINUTE)

    assert ran == [42]
    assert broker.backend.totals(group).leased == 0


def test_an_idle_worker_starts_what_comes_later(broker, group, actor, start_worker):
    ran = threading.Event()
    later = actor(ran.set, actor_name="later")
    start_worker(broker)

    later.send()

    assert ran.wait(10)


def test_every_message_of_many_runs_once(broker, group, actor, start_worker):
    ran = Counter()
    count = actor(lambda number: ran.update([number]), actor_name="count")
    start_worker(broker)

    for number in range(200):
        count.send(number)
    broker.join(group, timeout=MINUTE)

    assert ran == Counter(range(200))


def test_a_delayed_message_runs_after_its_delay(broker, group, actor, start_worker):
    ran = []
    append = actor(ran.append, actor_name="append")
    append.send_with_options(args=("later",), delay=100)
    start_worker(broker)

    append.send("now")
    broker.join(group, timeout=MINUTE)

    assert ran == ["now", "later"]


def test_a_failing_message_is_retried_with_what_dramatiq_wrote_into_it(
    broker, group, actor, start_worker
):
    seen = []

    def fail_twice():
        message = dramatiq.middleware.CurrentMessage.get_current_message()
        seen.append((message.message_id, message.options.get("retries", 0)))
        if len(seen) < 3:
            raise RuntimeError("again")

    sent = actor(fail_twice).send()
    start_worker(broker)
    broker.join(group, timeout=MINUTE)

    assert seen == [(sent.message_id, 0), (sent.message_id, 1), (sent.message_id, 2)]


def test_a_message_whose_retries_are_exhausted_goes_to_the_poison_hooks(
    broker, group, actor, poisons, start_worker
):
    def fail():
        raise RuntimeError("always")

    sent = actor(fail, max_retries=2).send()
    start_worker(broker)
    broker.join(group, timeout=MINUTE)

    [poison] = poisons
    assert (poison.organization_id, poison.message_id) == (None, sent.message_id)
    assert poison.reason == "retries_exhausted"
    assert str(poison.exception) == "always"


def test_an_expected_error_is_not_retried(broker, group, actor, poisons, start_worker):
    def fail():
        raise ValueError

    actor(fail, throws=ValueError).send()
    start_worker(broker)
    broker.join(group, timeout=MINUTE)

    assert [poison.reason for poison in poisons] == ["permanent_error"]


def test_an_actor_chooses_the_delay_of_its_retry(broker, group, actor, start_worker):
    runs = []

    def once_more():
        runs.append(1)
        if len(runs) == 1:
            raise Retry(delay=1)

    actor(once_more, min_backoff=MINUTE).send()
    start_worker(broker)
    broker.join(group, timeout=MINUTE)

    assert len(runs) == 2


def test_an_actor_that_sends_its_own_message_again_runs_again(broker, group, actor, start_worker):
    runs = []

    def again():
        runs.append(1)
        message = dramatiq.middleware.CurrentMessage.get_current_message()
        if len(runs) < 3:
            broker.enqueue(message.copy(options={"run": len(runs)}))

    actor(again).send()
    start_worker(broker)
    broker.join(group, timeout=MINUTE)

    assert len(runs) == 3


def test_results_can_be_waited_for(broker, group, actor, start_worker):
    results = StubBackend()
    broker.add_middleware(Results(backend=results))
    add = actor(lambda a, b: a + b, actor_name="add", store_results=True)
    start_worker(broker)

    sent = add.send(1, 2)

    assert sent.get_result(backend=results, block=True) == 3


def test_a_pipeline_passes_each_result_on(broker, group, actor, start_worker):
    results = StubBackend()
    broker.add_middleware(Results(backend=results))
    add = actor(lambda a, b: a + b, actor_name="add", store_results=True)
    start_worker(broker)

    pipe = dramatiq.pipeline([add.message(1, 2), add.message(3), add.message(4)], broker=broker)

    assert pipe.run().get_result(block=True) == 10


def test_a_group_calls_back_when_all_its_messages_ran(broker, group, actor, start_worker):
    broker.add_middleware(GroupCallbacks(RateLimiterStub()))
    ran, finished = [], threading.Event()
    append = actor(ran.append, actor_name="append")
    finish = actor(finished.set, actor_name="finish")
    start_worker(broker)

    together = dramatiq.group([append.message(i) for i in range(5)], broker=broker)
    together.add_completion_callback(finish.message())
    together.run()

    assert finished.wait(10)
    assert sorted(ran) == list(range(5))


def test_callbacks_of_a_message_run(broker, group, actor, start_worker):
    called = threading.Event()
    succeeded = actor(lambda data, result: called.set(), actor_name="succeeded")
    work = actor(lambda: None, actor_name="work")
    start_worker(broker)

    work.send_with_options(on_success=succeeded)

    assert called.wait(10)


class Watch(Middleware):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def before_enqueue(self, broker, message, delay):
        message.options["seen"] = True
        self.calls.append("before_enqueue")

    def after_enqueue(self, broker, message, delay):
        self.calls.append("after_enqueue")

    def before_process_message(self, broker, message):
        self.calls.append(f"before_process seen={message.options['seen']}")
        if message.args == ("skip",):
            raise SkipMessage

    def after_skip_message(self, broker, message):
        self.calls.append("after_skip")

    def after_process_message(self, broker, message, *, result=None, exception=None):
        self.calls.append("after_process")

    def before_ack(self, broker, message):
        self.calls.append("before_ack")

    def after_ack(self, broker, message):
        self.calls.append("after_ack")


@pytest.mark.parametrize(("argument", "middle"), [("run", "after_process"), ("skip", "after_skip")])
def test_hooks_are_called_in_dramatiqs_order(broker, group, actor, start_worker, argument, middle):
    watch = Watch()
    broker.emit_before("ack", None)  # nobody hears that yet
    broker.add_middleware(watch)
    actor(lambda argument: None, actor_name="work").send(argument)
    start_worker(broker)
    eventually(lambda: "after_ack" in watch.calls)

    assert watch.calls == [
        "before_enqueue",
        "after_enqueue",
        "before_process seen=True",
        middle,
        "before_ack",
        "after_ack",
    ]


def test_lower_numbers_have_priority_among_what_was_fetched(broker, group, actor, start_worker):
    order, go_on = [], threading.Semaphore(0)
    block = actor(lambda: go_on.acquire(timeout=10), actor_name="block")
    actors = [
        actor(order.append, actor_name=f"priority-{number}", priority=number) for number in (10, 0)
    ]
    for _ in range(2):
        block.send()
    for each in actors:
        each.send(each.actor_name)
    start_worker(broker, threads=2)
    eventually(lambda: broker.backend.totals(group).leased == 4)

    go_on.release()
    eventually(lambda: len(order) == 2)
    go_on.release()

    assert order == ["priority-0", "priority-10"]


def test_flush_drops_what_has_not_started(broker, group, actor):
    work = actor(lambda: None, actor_name="work")
    work.send()
    work.send_with_options(delay=MINUTE)

    broker.flush_all()

    broker.join(group, timeout=1)


def test_join_gives_up_after_its_timeout(broker, group, actor):
    actor(lambda: None, actor_name="work").send()

    with pytest.raises(QueueJoinTimeout):
        broker.join(group, timeout=1, interval=1)


def test_a_queue_that_nobody_declared_cannot_be_consumed(broker):
    with pytest.raises(QueueNotFound):
        broker.consume("unknown")


def test_a_paused_worker_runs_what_came_meanwhile_after_it_resumed(
    broker, group, actor, start_worker
):
    ran = threading.Event()
    work = actor(ran.set, actor_name="work")
    worker = start_worker(broker)
    worker.pause()

    work.send()
    worker.resume()

    assert ran.wait(20)
