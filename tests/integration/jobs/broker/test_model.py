"""Random sequences of operations: the scripts and a plain model agree after each.

Time is moved by hand: a delayed message becomes due, a token comes and a consumer falls silent when
the test writes the time into Redis. Delays and tokens take so long that none comes by itself.

MODEL_SEQUENCES=2000 runs as many sequences, for a change of the scripts; MODEL_SHRINK=0 ends at
the first that fails, without looking for a shorter one.
"""

import os
import uuid
from datetime import timedelta

import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from benchmarks import fair_queue
from benchmarks.fair_queue import FairQueue, Key
from jobs.broker import Ack, Control, Entry, MessageKey, RetryAfter, Settlement
from jobs.broker.queues import Queues

OWNERS = {"plain": None, "org:1": 1, "org:2": 2, "org:10": 10}
IDS = tuple(f"m{number}" for number in range(8))
KINDS = ("short", "long")
CONSUMERS = ("c1", "c2")
HOUR = timedelta(hours=1)
# The model's clock stands at a time when none of what is moved by hand has come.
NOW = 10**9

owners = st.sampled_from(sorted(OWNERS))
keys = st.builds(Key, owners, st.sampled_from(IDS))
some_keys = st.lists(keys, max_size=12, unique=True)
consumers = st.sampled_from(CONSUMERS)
kinds = st.sampled_from(KINDS)
run_times = st.one_of(st.none(), st.integers(1, 5_000_000))
controls = st.builds(
    fair_queue.Control,
    weight=st.sampled_from([1.0, 3.0, 0.5]),
    limit=st.sampled_from([0, 1, 3]),
    rate=st.sampled_from([0.0, 0.0001]),
    burst=st.sampled_from([0, 2]),
    is_paused=st.booleans(),
)


def message_key(key: Key) -> MessageKey:
    return MessageKey(OWNERS[key.owner], key.id)


class QueuesAgainstModel(RuleBasedStateMachine):
    queues: Queues
    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.group = f"g{uuid.uuid4().hex}"
        self.line = FairQueue(now=NOW)
        self.past = 0  # the last time that was written by hand
        self.woken: set[str] = set()  # took the token and has not looked yet

    @rule(keys=some_keys, kind=kinds, delayed=st.booleans())
    def enqueue(self, keys, kind, delayed):
        entries = [
            Entry(
                organization_id=OWNERS[key.owner],
                group=self.group,
                message_id=key.id,
                body=b"b",
                kind=kind,
                delay=HOUR if delayed else timedelta(0),
            )
            for key in keys
        ]
        delay = HOUR // timedelta(microseconds=1) if delayed else 0
        expected = self.line.enqueue([(key, kind) for key in keys], delay=delay)
        assert self.queues.enqueue(entries) == expected

    @rule(consumer=consumers, count=st.integers(1, 10))
    def fetch(self, consumer, count):
        got = self.queues.fetch(self.group, consumer, count).messages
        expected = self.line.fetch(consumer, count)
        assert [(leased.key, leased.deliveries) for leased in got] == [
            (message_key(key), lost) for key, lost in expected
        ]
        self.woken.discard(consumer)

    @rule(consumer=consumers)
    def take_the_token(self, consumer):
        if self.client.lpop(f"group:{self.group}:wake"):
            self.woken.add(consumer)

    @rule(consumer=consumers, ran=st.dictionaries(keys, run_times, max_size=12))
    def ack(self, consumer, ran):
        held = self._settle(consumer, {key: Ack(ran=_duration(us)) for key, us in ran.items()})
        assert held == self.line.ack(consumer, ran)

    @rule(
        consumer=consumers,
        ran=st.dictionaries(keys, run_times, max_size=12),
        delayed=st.booleans(),
    )
    def retry(self, consumer, ran, delayed):
        delay = HOUR if delayed else timedelta(0)
        dispositions = {key: RetryAfter(delay=delay, ran=_duration(us)) for key, us in ran.items()}
        held = self._settle(consumer, dispositions)
        assert held == self.line.retry(consumer, ran, delay=delay // timedelta(microseconds=1))

    @rule(consumer=consumers, keys=some_keys)
    def release(self, consumer, keys):
        held = self.queues.release(self.group, consumer, map(message_key, keys))
        assert held == self.line.release(consumer, keys)

    @rule(consumer=consumers, keys=some_keys)
    def reclaim(self, consumer, keys):
        unknown = [key for key in self.line.leases[consumer] if key not in keys]
        released = self.queues.reclaim(self.group, consumer, map(message_key, keys))
        assert released == self.line.release(consumer, unknown)

    @rule(owner=owners, ids=st.sets(st.sampled_from(IDS)))
    def remove(self, owner, ids):
        removed = self.queues.remove(self.group, OWNERS[owner], ids)
        assert removed == self.line.remove([Key(owner, i) for i in ids])

    @rule(controls=st.dictionaries(owners, controls, max_size=3))
    def control(self, controls):
        self.line.control(controls)
        self.queues.control(
            self.group, {OWNERS[owner]: _control(control) for owner, control in controls.items()}
        )

    @precondition(lambda self: self.line.due.score)
    @rule(data=st.data())
    def become_due(self, data):
        key = data.draw(st.sampled_from(sorted(self.line.due.score)))
        self.line.due.add(key, self._past())
        self.client.zadd(f"group:{self.group}:due", {f"{key.owner} {key.id}": self.past}, xx=True)

    @precondition(lambda self: self.line.resting.score)
    @rule(data=st.data())
    def get_all_tokens_back(self, data):
        owner = data.draw(st.sampled_from(sorted(self.line.resting.score)))
        self.line.full_at.pop(owner, None)
        self.line.resting.add(owner, self._past())
        self.client.hdel(f"group:{self.group}:buckets", owner)
        self.client.zadd(f"group:{self.group}:resting", {owner: self.past}, xx=True)

    @rule(consumer=consumers, running=some_keys)
    def heartbeat(self, consumer, running):
        held = self.queues.heartbeat(self.group, consumer, map(message_key, running))
        if held is not None:
            self.line.heartbeat(consumer, running)
        assert held in (None, len(self.line.leases[consumer]))

    @rule(consumer=consumers)
    def fall_silent(self, consumer):
        self.client.zadd(f"group:{self.group}:consumers", {consumer: 0}, xx=True)
        back = self.queues.reap(self.group).messages
        expected = self.line.reap(consumer, last_heard=0)
        assert dict(back) == {message_key(key): lost for key, lost in expected.items()}

    @invariant()
    def every_message_is_where_the_model_has_it(self):
        totals = self.queues.totals(self.group)
        waiting = sum(len(line.score) for line in self.line.lines.values())
        leased = sum(len(held) for held in self.line.leases.values())
        assert (totals.waiting, totals.delayed) == (waiting, len(self.line.due.score))
        assert totals.leased == leased
        assert totals.organizations == sum(1 for line in self.line.lines.values() if line.score)
        for owner, organization_id in OWNERS.items():
            known = self.queues.known(self.group, [MessageKey(organization_id, i) for i in IDS])
            assert {i for _, i in known} == {i for i in IDS if Key(owner, i) in self.line.kinds}
            depth = self.queues.depth(self.group, organization_id)
            assert depth.waiting == len(self.line.lines[owner].score)

    @invariant()
    def every_owner_has_paid_what_the_model_says(self):
        assert self._scores("ring") == self.line.ring.score
        assert self._scores("tags") == self.line.tags.score
        assert self._numbers("means") == self.line.means
        assert self._texts("leased") == {
            owner: f"{n} {self.line.owing[owner]:.0f}" if owner in self.line.owing else str(n)
            for owner, n in self.line.leased.items()
            if n
        }
        assert self._scores("resting").keys() == self.line.resting.score.keys()
        again = {f"{key.owner} {key.id}" for key in self.line.again}
        assert self._scores("again").keys() == again

    @invariant()
    def the_oldest_of_each_organization_is_known(self):
        for owner, oldest in self._scores("heads").items():
            queue = f"{owner}:{self.group}"
            assert self.client.zrange(queue, 0, 0, withscores=True)[0][1] == oldest

    @invariant()
    def nothing_may_be_served_without_somebody_being_woken(self):
        if self.line.ring.score and not self.woken:
            assert self.client.llen(f"group:{self.group}:wake") == 1

    def _settle(self, consumer, dispositions):
        settlements = [Settlement(message_key(key), how) for key, how in dispositions.items()]
        return self.queues.settle(self.group, consumer, settlements)

    def _past(self):
        self.past += 1
        return self.past

    def _scores(self, name):
        rows = self.client.zrange(f"group:{self.group}:{name}", 0, -1, withscores=True)
        return {member.decode(): score for member, score in rows}

    def _texts(self, name):
        rows = self.client.hgetall(f"group:{self.group}:{name}")
        return {field.decode(): text.decode() for field, text in rows.items()}

    def _numbers(self, name):
        return {field: float(text) for field, text in self._texts(name).items()}


def _duration(us):
    return None if us is None else timedelta(microseconds=us)


def _control(control):
    return Control(
        weight=control.weight,
        limit=control.limit or None,
        rate=control.rate or None,
        burst=control.burst or None,
        is_paused=control.is_paused,
    )


def test_the_scripts_agree_with_a_plain_model(queues, client):
    machine = type("Machine", (QueuesAgainstModel,), {"queues": queues, "client": client})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("MODEL_SEQUENCES", "25")),
            stateful_step_count=40,
            phases=[Phase.generate] if os.environ.get("MODEL_SHRINK") == "0" else list(Phase),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
