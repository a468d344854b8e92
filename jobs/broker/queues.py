"""The operations on the queues of a group, one method for each file in `lua/`.

Each is atomic and does at most 16 messages in one step; more are sent in several steps, so a crash
between them leaves some done and the others untouched. Each raises `NoEpoch` when Redis lost its
data, and `BrokerUnavailable` when it cannot be reached; both mean: try again later.

Times are Redis's own. What a caller passes and gets are durations.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import batched, chain, groupby
from typing import Any

from redis import Redis
from redis.client import PubSub

from jobs.broker import keys, wire
from jobs.broker.answers import Depth, Fetched, Reaped, Situation, Totals
from jobs.broker.client import connect, guarded
from jobs.broker.messages import (
    Ack,
    Control,
    Entry,
    MessageKey,
    Release,
    RetryAfter,
    Settlement,
)
from jobs.broker.post import Post
from jobs.broker.scripts import Argument, Call, Script, run_together

# By one script, which keeps every other client of Redis waiting meanwhile.
MOST_MOVED = MOST_FETCHED = 16
MOST_TOGETHER = 50  # such scripts in one round trip; commands of other clients run in between
MOST_DUE = 8  # by a fetch besides
MOST_READ = 100
LONGEST_WAIT = timedelta(seconds=3)  # of one blocking pop; stays below SOCKET_TIMEOUT


class Queues:
    def __init__(self, url: str, *, lease: timedelta = timedelta(seconds=30)) -> None:
        """`lease` is how long a silent consumer keeps what it fetched."""
        self.lease = lease
        # Where repeating changes nothing, a command whose connection breaks is sent again. fetch,
        # wait, remove and the enqueueing of plain messages use the second client, which does not:
        # their answer matters, or a message that has run meanwhile would run again. A connection
        # that died while it was idle is noticed before anything is sent on it.
        self._client = connect(url, retries=2)
        self._once = connect(url, retries=0)
        self._post = Post(self._client)

    # In

    def enqueue(self, entries: Iterable[Entry], *, recovering: bool = False) -> int:
        """Put messages in line; returns how many were new.

        One that is waiting or delayed already is left alone. One of an organization that is leased
        comes back when its lease ends: its job may have been settled and enqueued again before
        that reached Redis. `recovering` is for putting jobs back before the epoch is opened.
        Raises `RedisFull` at `maxmemory`, and `BrokerUnavailable` when the connection breaks; some
        of the messages may be in line all the same. To repeat it is harmless for jobs, since the
        ledger knows what has run; a plain message may have run by then.
        """
        new = 0
        self._post.hear()
        ordered = sorted(entries, key=lambda entry: entry.group)
        has_plain = any(entry.organization_id is None for entry in ordered)
        client = self._once if has_plain else self._client
        for group, of_group in groupby(ordered, key=lambda entry: entry.group):
            calls = (
                self._call(
                    _ENQUEUE, group, int(recovering), *chain.from_iterable(map(wire.fields, step))
                )
                for step in batched(of_group, MOST_MOVED)
            )
            for together in batched(calls, MOST_TOGETHER):
                new += sum(guarded(run_together, client, together))
        return new

    def announce(self, group: str, entries: Sequence[Entry]) -> None:
        """Put jobs in line as `enqueue` does, without waiting until Redis has done so.

        What it refuses is logged when its answer is read: before anything else is announced, looked
        up or taken here. Raises `BrokerUnavailable` when it cannot be told.
        """
        calls = [
            self._call(_ENQUEUE, group, 0, *chain.from_iterable(map(wire.fields, step)))
            for step in batched(entries, MOST_MOVED)
        ]
        self._post.send(calls, jobs=len(entries))

    def remove(self, group: str, organization_id: int | None, ids: Iterable[str]) -> set[str]:
        """Take waiting and delayed messages out; returns those that now never start.

        The others are leased or unknown. Not sent again when the connection breaks: what the first
        try had taken out, the second would call unknown.
        """
        owner = keys.owner(organization_id)
        return {
            wire.text(removed)
            for step in batched(ids, MOST_MOVED)
            for removed in self._run(_REMOVE, group, owner, *step, client=self._once)
        }

    def flush(self, group: str) -> int:
        """Drop everything that waits or is delayed, of all organizations; returns how many."""
        total = 0
        while dropped := self._run(_FLUSH, group):
            total += dropped
        return total

    def control(
        self, group: str, controls: Mapping[int | None, Control], *, recovering: bool = False
    ) -> None:
        """Set what organizations may take of a group, in force for the very next fetch.

        What is leased already is left alone. The default `Control()` takes a control away.
        `recovering` is for before the epoch is opened.
        """
        for step in batched(controls.items(), MOST_MOVED):
            fields = chain.from_iterable(
                (keys.owner(organization_id), wire.control_text(control))
                for organization_id, control in step
            )
            self._run(_CONTROL, group, int(recovering), *fields)

    # News

    def publish(self, notice: str) -> None:
        """Tell whoever listens now; see `notices`."""
        guarded(self._client.publish, keys.NOTICES, notice)

    @contextmanager
    def listening(self) -> Iterator[PubSub]:
        """The channel of notices, on a connection of its own. Raises what redis-py raises."""
        made: PubSub = self._once.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with made as channel:
            channel.subscribe(keys.NOTICES)
            yield channel

    # Through a consumer

    def fetch(self, group: str, consumer_id: str, count: int) -> Fetched:
        """Lease up to `count` messages (at most 16), in fair order.

        When it raises, messages may have been leased all the same: see `reclaim`.
        """
        due_us, stamp, *flat = self._run(
            _FETCH,
            group,
            consumer_id,
            wire.us(self.lease),
            min(count, MOST_FETCHED),
            consumer_id=consumer_id,
            client=self._once,
        )
        stamp = stamp.decode()
        messages = [
            wire.leased(group, owner, message_id, value, stamp)
            for owner, message_id, value in batched(flat, 3)
        ]
        return Fetched(messages=messages, next_due=wire.duration(due_us))

    def wait(self, group: str, timeout: timedelta) -> bool:
        """Block until there may be something to fetch, or for `timeout` (at most three seconds)."""
        seconds = max(0.001, min(timeout, LONGEST_WAIT).total_seconds())
        return guarded(self._once.blpop, [keys.wake(group)], seconds) is not None

    def heartbeat(
        self, group: str, consumer_id: str, running: Iterable[MessageKey] = ()
    ) -> int | None:
        """Extend all leases of a consumer; returns how many, or None when they were reaped.

        `running` are the messages that have started: the suspects, should the consumer die.
        """
        members = [wire.member(key) for key in running]
        held: int | None = self._run(
            _HEARTBEAT, group, consumer_id, wire.us(self.lease), *members, consumer_id=consumer_id
        )
        return held

    def reap(self, group: str) -> Reaped:
        """Give back what consumers hold whose leases have ended.

        To where it was taken from, or behind its line if it had started or was lost before.
        """
        end_us, *flat = self._run(_REAP, group, keys.leases_prefix(group), wire.us(self.lease))
        messages = [
            (MessageKey(keys.organization_id(owner), wire.text(message_id)), lost)
            for owner, message_id, lost in batched(flat, 3)
        ]
        return Reaped(messages=messages, next_end=wire.duration(end_us))

    def settle(self, group: str, consumer_id: str, settlements: Iterable[Settlement]) -> int:
        """End leases, each as its disposition says, in one round trip.

        Returns how many the consumer still had; those that it had lost are left alone. Repeating
        is safe where the stamps are given: a later lease on the same message has another.
        """
        rows: dict[Script, list[tuple[Argument, ...]]] = {_ACK: [], _RETRY: [], _RELEASE: []}
        for settlement in settlements:
            script, row = _settlement_row(settlement)
            rows[script].append(row)
        calls = [
            self._call(script, group, *chain.from_iterable(step), consumer_id=consumer_id)
            for script, of_script in rows.items()
            for step in batched(of_script, MOST_MOVED)
        ]
        return sum(guarded(run_together, self._client, calls)) if calls else 0

    def ack(self, group: str, consumer_id: str, messages: Iterable[MessageKey]) -> int:
        """Forget messages; returns how many leases the consumer still had."""
        return self.settle(group, consumer_id, (Settlement(key, Ack()) for key in messages))

    def retry(self, group: str, consumer_id: str, messages: Mapping[MessageKey, RetryAfter]) -> int:
        """Let messages come back after their delays; returns how many leases it still had."""
        return self.settle(group, consumer_id, (Settlement(*item) for item in messages.items()))

    def release(self, group: str, consumer_id: str, messages: Iterable[MessageKey]) -> int:
        """Give unstarted messages back, uncounted; returns how many leases it still had."""
        return self.settle(group, consumer_id, (Settlement(key, Release()) for key in messages))

    def reclaim(self, group: str, consumer_id: str, held: Iterable[MessageKey]) -> int:
        """Release all leases but those that the consumer knows of; returns how many.

        For after an answer to `fetch` was lost. Nothing else may settle for this
        consumer meanwhile.
        """
        members = [wire.member(key) for key in held]
        total = 0
        while released := self._run(_RECLAIM, group, *members, consumer_id=consumer_id):
            total += released
        return total

    def leave(self, group: str, consumer_id: str) -> bool:
        """Fetch no more: wake another consumer for what waits. False while leases are held."""
        return bool(self._run(_LEAVE, group, consumer_id, consumer_id=consumer_id))

    # Looking

    def known(self, group: str, messages: Iterable[MessageKey]) -> set[MessageKey]:
        """Those of the messages that are here in any form: waiting, delayed or leased."""
        found: set[MessageKey] = set()
        for step in batched(messages, MOST_READ):
            pairs = chain.from_iterable((keys.owner(of), one) for of, one in step)
            answers = self._run(_KNOWN, group, *pairs)
            found.update(key for key, is_known in zip(step, answers, strict=True) if is_known)
        return found

    def pages(
        self, group: str, organization_ids: Iterable[int | None]
    ) -> Iterator[list[MessageKey]]:
        """All messages of some owners, about 100 of each at a time; some may be named twice.

        One round trip for a page of all of them, so pass at most 100 owners.
        """
        cursors = dict.fromkeys(organization_ids, b"0")
        while cursors:
            calls = [
                self._call(_PAGES, group, keys.owner(of), cursor) for of, cursor in cursors.items()
            ]
            self._post.hear()
            answers = guarded(run_together, self._client, calls)
            pages = dict(zip(cursors, answers, strict=True))
            yield [MessageKey(of, wire.text(one)) for of in pages for one in pages[of][1:]]
            cursors = {of: cursor for of, (cursor, *_) in pages.items() if cursor != b"0"}

    def situation(self, group: str, organization_id: int | None, message_id: str) -> Situation:
        """Why a message is not running, as far as Redis knows."""
        answer = self._run(
            _SITUATION,
            group,
            keys.owner(organization_id),
            message_id,
            keys.leases_prefix(group),
        )
        place, ahead, due_us, consumer, control, leased, token_us, before, mean_us, alive = answer
        return Situation(
            place=place.decode(),
            ahead=ahead,
            delay=wire.duration(due_us),
            consumer=wire.text(consumer) or None,
            control=wire.control(control),
            leased=leased,
            next_token=wire.duration(token_us),
            owners_before=before,
            estimate=wire.duration(mean_us),
            consumers=alive,
        )

    def controls(self, group: str) -> dict[int | None, Control]:
        """What organizations may take; those without a control are left out."""
        found: dict[int | None, Control] = {}
        cursor = b"0"
        while True:
            cursor, *flat = self._run(_CONTROLS, group, cursor)
            for owner, text in batched(flat, 2):
                found[keys.organization_id(owner)] = wire.control(text)
            if cursor == b"0":
                return found

    def depth(self, group: str, organization_id: int | None) -> Depth:
        waiting, oldest_us = self._run(_DEPTH, group, keys.owner(organization_id))
        return Depth(
            organization_id=organization_id, waiting=waiting, oldest=wire.duration(oldest_us)
        )

    def depths(
        self, group: str, *, limit: int = MOST_READ, after: Depth | None = None
    ) -> list[Depth]:
        """The organizations who wait longest, at most 100, oldest first.

        To see all, pass the last of each page as `after` until a page is empty. One that is served
        meanwhile may come twice; none is left out.
        """
        place = (after.ready, keys.owner(after.organization_id)) if after else ("", "")
        now_us, *flat = self._run(_DEPTHS, group, min(limit, MOST_READ), *place)
        return [
            Depth(
                organization_id=keys.organization_id(owner),
                waiting=waiting,
                oldest=timedelta(microseconds=min(max(0.0, now_us - float(ready)), now_us)),
                ready=ready.decode(),
            )
            for owner, waiting, ready in batched(flat, 3)
        ]

    def totals(self, group: str) -> Totals:
        waiting, delayed, leased, oldest_us, owners, consumers = self._run(_TOTALS, group)
        return Totals(
            waiting=waiting,
            delayed=delayed,
            leased=leased,
            oldest=wire.duration(oldest_us),
            organizations=owners,
            consumers=consumers,
        )

    def memory_bytes(self) -> int:
        """What Redis uses in all, for whoever else is in it too."""
        return int(guarded(self._client.info, "memory")["used_memory"])

    # The epoch

    def epoch(self) -> str | None:
        """What tells one life of Redis's data from the next; None: it lost them."""
        value: Any = guarded(self._client.get, keys.EPOCH)
        return value.decode() if value else None

    def open_epoch(self) -> str:
        """Declare Redis whole: the last step of recovery, and the first on an empty one."""
        self._post.hear()  # what was announced to the life before is refused
        epoch = uuid.uuid4().hex
        guarded(self._client.set, keys.EPOCH, epoch)
        return epoch

    def close(self) -> None:
        self._post.hear()
        self._client.close()
        self._once.close()

    # The steps below all of them

    def _run(
        self,
        script: Script,
        group: str,
        *args: Argument,
        consumer_id: str | None = None,
        client: Redis | None = None,
    ) -> Any:
        self._post.hear()
        call = self._call(script, group, *args, consumer_id=consumer_id)
        return guarded(script, client or self._client, call.keys, call.args)

    def _call(
        self, script: Script, group: str, *args: Argument, consumer_id: str | None = None
    ) -> Call:
        names = keys.shared(group)
        if consumer_id is not None:
            names = (*names, keys.leases(group, consumer_id))
        return Call(script, names, (keys.suffix(group), *args))


def _settlement_row(settlement: Settlement) -> tuple[Script, tuple[Argument, ...]]:
    member = wire.member(settlement.key)
    match settlement.disposition:
        case Ack(ran=ran):
            return _ACK, (member, settlement.stamp, wire.ran(ran))
        case RetryAfter(delay=delay, body=body, ran=ran):
            return _RETRY, (member, settlement.stamp, wire.ran(ran), wire.us(delay), body or b"")
        case Release():
            return _RELEASE, (member, settlement.stamp)


_ENQUEUE, _REMOVE, _FLUSH = Script("enqueue"), Script("remove"), Script("flush")
_FETCH, _HEARTBEAT, _REAP = Script("fetch"), Script("heartbeat"), Script("reap")
_ACK, _RETRY, _RELEASE = Script("ack"), Script("retry"), Script("release")
_RECLAIM, _LEAVE = Script("reclaim"), Script("leave")
_CONTROL, _CONTROLS = Script("control"), Script("controls")
_KNOWN, _PAGES, _SITUATION = Script("known"), Script("pages"), Script("situation")
_DEPTH, _DEPTHS, _TOTALS = Script("depth"), Script("depths"), Script("totals")
