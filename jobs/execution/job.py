"""What an actor gets: the job that it runs, and the doors it may use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from jobs.errors import Cancelled
from jobs.execution.in_hand import in_hand
from jobs.job_types import JobType, Payload
from jobs.ledger import transitions
from jobs.ledger.transitions import Claimed
from tenancy.postgresql.flush import Statement, atomic


@dataclass(kw_only=True)
class Run[P: Payload]:
    """One attempt of one job, inside its organization's scope.

    A job type with effect "database" runs inside the transaction that settles it: what it writes,
    the audit events and the completion marker commit together or not at all. What it writes in SQL
    and wants no answer to goes with the settle in one trip: `write()`.

    One with effect "outside" runs outside any transaction, and goes: `transaction()` to read,
    `begin_effect()` to note what is about to go out, the effect itself, `settling()` to write what
    came of it. A crash between the effect and the settling repeats the effect under the same id.
    One that works in the database for long does it by `step()`, each with a note of how far it got.
    """

    job: Claimed
    job_type: JobType[P]
    payload: P
    is_settling: bool = field(default=False, init=False)
    is_settled: bool = field(default=False, init=False)
    written: list[Statement] = field(default_factory=list, init=False)

    @property
    def organization_id(self) -> int:
        """Whose job it is."""
        return self.job.ref.organization_id

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A short transaction in the organization's scope, for reading or noting."""
        with atomic():
            yield

    def write(self, statement: Statement) -> None:
        """Run a statement in the transaction that settles this job, just before it does.

        For an effect "database", or inside `settling()`. It costs no trip of its own, and is
        prepared once per connection, under its name. What it raises fails the attempt. Raises
        RuntimeError for an effect "outside" that is not settling.
        """
        if self.job_type.effect == "outside" and not self.is_settling:
            raise RuntimeError(
                f"{self.job_type.name} writes {statement.name} outside `with run.settling():`, the "
                "only transaction that an outside effect has. Write it there."
            )
        self.written.append(statement)

    def begin_effect(self, effect_id: str) -> str:
        """Commit a marker that names the effect, before it happens.

        Returns the id under which it must go out: the one noted first, on whichever attempt. Raises
        LeaseLost when the job is no longer this attempt's.
        """
        with atomic():
            return transitions.begin_effect(self.job, effect_id)

    @contextmanager
    def step(self) -> Iterator[None]:
        """A transaction in the organization's scope that is one step forward of a long job.

        Commits only while the job is still this attempt's; whoever runs it next then sees the whole
        step. A job that gets on is no suspect of killing its workers, so a step has to leave less
        to do. Raises LeaseLost at its end, and then has written nothing.
        """
        with transitions.guarded(self.job), atomic() as block:
            yield
            block.closing = [transitions.keeping(self.job)]

    @contextmanager
    def settling(self) -> Iterator[None]:
        """The transaction that ends the job: commits what is written in it and the completion.

        Raises LeaseLost at its end, and then has written nothing.
        """
        with transitions.guarded(self.job), atomic() as block:
            self.is_settling = True
            try:
                yield
            finally:
                self.is_settling = False
            block.closing = [*self.written, transitions.settling(self.job)]
        self.is_settled = True

    def check_cancelled(self) -> None:
        """Raise Cancelled when somebody asked for the end of this job; for long actors, often.

        Looks at this process's memory only. Let it through: what the attempt did in its transaction
        is undone, and the ledger says that the job was cancelled. One that does not ask is
        interrupted by the same exception a few seconds later, wherever it is.
        """
        if in_hand.is_asked_to_end(self.job):
            raise Cancelled("It stopped at a check of its actor.")
