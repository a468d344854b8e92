"""Counts what a drill did, by plain SQL and at the receivers, and asks no code of the product.

Jobs enqueued = succeeded + dead + cancelled. Effects in the database: exactly one for each job that
succeeded, none for any other. Effects outside: at least one, and all of a job under one id.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from redis import Redis

from tests.chaos.receivers import Arrival
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.chaos.load import Story
    from tests.chaos.world import World

WRITERS = ("chaos.write", "chaos.wait")
SENDERS = ("chaos.send",)
PATIENCE_SECONDS = 120.0  # without one more job that ends


@dataclass(kw_only=True)
class Count:
    """What was found, all of it right."""

    states: Counter[str]
    effects: int
    outside: int
    repeats: int
    """Of effects outside, under the same id."""
    lost: int
    """Attempts whose worker died."""
    dead: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        states = " + ".join(
            f"{self.states[state]} {state}" for state in ("succeeded", "dead", "cancelled")
        )
        return (
            f"{self.states.total()} jobs = {states}; {self.effects} effects, "
            f"{self.outside} outside + {self.repeats} repeats, {self.lost} attempts lost"
        )


class Oracle:
    """Holds a world against what was asked of it."""

    def __init__(
        self, world: "World", *, asked: Mapping[UUID, str], stories: Iterable["Story"]
    ) -> None:
        self.world, self.asked, self.stories = world, asked, list(stories)

    def count(self, *, dead: int = 0, within: float = PATIENCE_SECONDS) -> Count:
        """Wait for the end of all jobs, and compare. Raises AssertionError with what is wrong."""
        self.wait_for_the_end(within)
        rows = self.world.ask("SELECT id, job_type, state, reason, organization_id FROM jobs_job")
        self._every_job_that_was_asked_for(rows)
        reasons = Counter(row[3] for row in rows if row[2] == "dead")
        assert reasons.total() == dead, f"dead: {reasons}"
        succeeded: dict[str, set[str]] = defaultdict(set)
        for job, job_type, state, _, _ in rows:
            if state == "succeeded":
                succeeded[job_type].add(str(job))
        effects = self._effects(set().union(*(succeeded[name] for name in WRITERS)))
        sent = self._sendings(set().union(*(succeeded[name] for name in SENDERS)))
        sent += self._mails() + self._webhooks()
        self._nothing_stays_in_redis()
        [[lost]] = self.world.ask(
            "SELECT count(*) FROM jobs_attempt WHERE error_class = 'WorkerLost'"
        )
        return Count(
            states=Counter(row[2] for row in rows),
            dead=reasons,
            effects=effects,
            outside=len(sent),
            repeats=sum(times - 1 for times in sent),
            lost=lost,
        )

    def wait_for_the_end(self, within: float = PATIENCE_SECONDS) -> None:
        """Return when no job is left to run; raise when none has ended for so long."""
        before = self.unfinished()
        while before:
            eventually(lambda: self.unfinished() < before, within=within)  # noqa: B023
            before = self.unfinished()

    def unfinished(self) -> int:
        [[count]] = self.world.ask(
            "SELECT count(*) FROM jobs_job WHERE state NOT IN ('succeeded', 'dead', 'cancelled')"
        )
        return int(count)

    def ended(self) -> int:
        [[count]] = self.world.ask(
            "SELECT count(*) FROM jobs_job WHERE state IN ('succeeded', 'dead', 'cancelled')"
        )
        return int(count)

    # -- the steps of count -------------------------------------------------------------------

    def _every_job_that_was_asked_for(self, rows: list[tuple]) -> None:  # type: ignore[type-arg]
        here = {row[0]: row[1] for row in rows if row[1].startswith("chaos.")}
        assert here == self.asked, "the ledger has other jobs than those that were asked for"
        kinds = Counter(row[1] for row in rows)
        [[events]] = self.world.ask("SELECT count(*) FROM tenancy_domainevent")
        assert kinds["notifications.fan_out"] == events, "an event without its fan-out"
        assert kinds["notifications.deliver_mail"] == 2 * len(self.stories), kinds
        assert kinds["notifications.deliver_webhook"] == len(self.stories), kinds

    def _effects(self, succeeded: set[str]) -> int:
        """In our own table, in the domain's, and in the audit log: one each, of each job."""
        effects = dict(self.world.ask("SELECT job, count(*) FROM drill.effect GROUP BY job"))
        entries = dict(
            self.world.ask("SELECT title, count(*) FROM tenancy_timelineentry GROUP BY title")
        )
        events = dict(
            self.world.ask(
                "SELECT job_id::text, count(*) FROM audit_auditevent"
                " WHERE target_type = 'timelineentry' GROUP BY job_id"
            )
        )
        for where, found in (("effects", effects), ("entries", entries), ("audit", events)):
            foreign = found.keys() - succeeded
            assert not foreign, f"{where}: of jobs that did not succeed: {foreign}"
            wrong = {job: found.get(job, 0) for job in succeeded if found.get(job) != 1}
            assert not wrong, f"{where}: not exactly one of each job: {wrong}"
        return len(effects)

    def _sendings(self, succeeded: set[str]) -> list[int]:
        sent = _by_id(self.world.receivers.sends)
        assert succeeded <= sent.keys(), f"never sent: {succeeded - sent.keys()}"
        return _times(sent)

    def _mails(self) -> list[int]:
        # Alerts go to operators without a job, and a drill is something to be alerted about.
        operators = {row[0] for row in self.world.ask("SELECT email FROM tenancy_user")}
        received = _by_id(
            mail
            for mail in self.world.receivers.mails_taken
            if mail.about.partition(" ")[0] not in operators
        )
        mailboxes = Counter(about.partition(" ")[0] for about in received)
        assert mailboxes == Counter({story.mailbox: 2 for story in self.stories})
        return _times(received)

    def _webhooks(self) -> list[int]:
        forged = self.world.receivers.forged
        assert not forged, f"signatures that do not hold: {forged}"
        received = _by_id(self.world.receivers.webhooks)
        assert received.keys() == {story.mission for story in self.stories}
        return _times(received)

    def _nothing_stays_in_redis(self) -> None:
        """No message of a finished job is left, in whatever form."""
        with Redis.from_url(self.world.valkey.url) as client:

            def left() -> dict[bytes, int]:
                return {key: client.hlen(key) for key in client.scan_iter("org:*:messages")}

            eventually(lambda: not any(left().values()), within=60)


def _by_id(arrivals: Iterable[Arrival]) -> dict[str, list[str]]:
    """The ids under which each came, one for each time."""
    ids: dict[str, list[str]] = defaultdict(list)
    for arrival in arrivals:
        ids[arrival.about].append(arrival.effect_id)
    return ids


def _times(sent: Mapping[str, list[str]]) -> list[int]:
    """How often each went out."""
    mixed = {what: set(ids) for what, ids in sent.items() if len(set(ids)) != 1}
    assert not mixed, f"sent under more than one id: {mixed}"
    return [len(ids) for ids in sent.values()]
