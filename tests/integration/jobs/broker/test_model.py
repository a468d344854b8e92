"""Random sequences of operations: the scripts and a plain model agree after each.

Time is moved by hand: a delayed message becomes due, and a consumer falls silent, when the test
writes the time into Redis.
"""

import uuid
from datetime import timedelta

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs.broker import Entry, MessageKey, RetryAfter
from jobs.broker.queues import Queues
from tests.integration.jobs.broker.line import Line

ORGANIZATIONS = (None, 1, 2, 10)
IDS = tuple(f"m{number}" for number in range(8))
CONSUMERS = ("c1", "c2")
HOUR = timedelta(hours=1)

keys = st.builds(MessageKey, st.sampled_from(ORGANIZATIONS), st.sampled_from(IDS))
some_keys = st.lists(keys, max_size=12, unique=True)
consumers = st.sampled_from(CONSUMERS)


class QueuesAgainstModel(RuleBasedStateMachine):
    queues: Queues
    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.group = f"g{uuid.uuid4().hex}"
        self.line = Line()
        self.past = 0  # the last due time that was written by hand
        self.woken: set[str] = set()  # took the token and has not looked yet

    @rule(keys=some_keys, delayed=st.booleans())
    def enqueue(self, keys, delayed):
        entries = [
            Entry(
                organization_id=key.organization_id,
                group=self.group,
                message_id=key.message_id,
                body=b"b",
                delay=HOUR if delayed else timedelta(0),
            )
            for key in keys
        ]
        assert self.queues.enqueue(entries) == self.line.enqueue(keys, delayed=delayed)

    @rule(consumer=consumers, count=st.integers(1, 10))
    def fetch(self, consumer, count):
        got = self.queues.fetch(self.group, consumer, count).messages
        expected = self.line.fetch(consumer, count, self.past)
        assert [(leased.key, leased.deliveries) for leased in got] == expected
        self.woken.discard(consumer)

    @rule(consumer=consumers)
    def take_the_token(self, consumer):
        if self.client.lpop(f"group:{self.group}:wake"):
            self.woken.add(consumer)

    @rule(consumer=consumers, keys=some_keys)
    def ack(self, consumer, keys):
        assert self.queues.ack(self.group, consumer, keys) == self.line.ack(consumer, keys)

    @rule(consumer=consumers, keys=some_keys, delayed=st.booleans())
    def retry(self, consumer, keys, delayed):
        after = RetryAfter(delay=HOUR if delayed else timedelta(0))
        held = self.queues.retry(self.group, consumer, dict.fromkeys(keys, after))
        assert held == self.line.retry(consumer, keys, delayed=delayed)

    @rule(consumer=consumers, keys=some_keys)
    def release(self, consumer, keys):
        held = self.queues.release(self.group, consumer, keys)
        assert held == self.line.release(consumer, keys)

    @rule(consumer=consumers, keys=some_keys)
    def reclaim(self, consumer, keys):
        unknown = [key for key in self.line.leases[consumer] if key not in keys]
        released = self.queues.reclaim(self.group, consumer, keys)
        assert released == self.line.release(consumer, unknown)

    @rule(organization_id=st.sampled_from(ORGANIZATIONS), ids=st.sets(st.sampled_from(IDS)))
    def remove(self, organization_id, ids):
        removed = self.queues.remove(self.group, organization_id, ids)
        assert removed == self.line.remove(organization_id, ids)

    @precondition(lambda self: self.line.due)
    @rule(data=st.data())
    def become_due(self, data):
        key = data.draw(st.sampled_from(sorted(self.line.due, key=str)))
        self.past += 1
        self.line.due[key] = self.past
        owner = "plain" if key[0] is None else f"org:{key[0]}"
        self.client.zadd(f"group:{self.group}:due", {f"{owner} {key[1]}": self.past}, xx=True)

    @rule(consumer=consumers)
    def fall_silent(self, consumer):
        self.client.zadd(f"group:{self.group}:consumers", {consumer: 0}, xx=True)
        back = self.queues.reap(self.group).messages
        expected = {key: self.line.lost[key] + 1 for key in self.line.leases[consumer]}
        self.line.reap(consumer)
        assert dict(back) == expected

    @invariant()
    def every_message_is_where_the_model_has_it(self):
        totals = self.queues.totals(self.group)
        leased = sum(len(held) for held in self.line.leases.values())
        expected = (len(self.line.ready), len(self.line.due), leased)
        assert (totals.waiting, totals.delayed, totals.leased) == expected
        assert totals.organizations == len(self.line.ring)
        for organization_id in ORGANIZATIONS:
            known = self.queues.known(self.group, organization_id, IDS)
            assert known == {i for i in IDS if (organization_id, i) in self.line.lost}
            depth = self.queues.depth(self.group, organization_id)
            assert depth.waiting == self.line.waiting(organization_id)

    @invariant()
    def the_oldest_of_each_organization_is_known(self):
        for owner, oldest in self.client.zrange(
            f"group:{self.group}:heads", 0, 99, withscores=True
        ):
            queue = owner.decode() + f":{self.group}"
            assert self.client.zrange(queue, 0, 0, withscores=True)[0][1] == oldest

    @invariant()
    def nothing_waits_without_somebody_being_woken(self):
        if self.line.ready and not self.woken:
            assert self.client.llen(f"group:{self.group}:wake") == 1


def test_the_scripts_agree_with_a_plain_model(queues, client):
    machine = type("Machine", (QueuesAgainstModel,), {"queues": queues, "client": client})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
