"""What a drill asks for: jobs of all families, remembered where the ledger is not."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db import Error, connections

from jobs.families.notifications import endpoints
from jobs.job_types import JobType
from jobs.ledger import NewJob, enqueue_many
from jobs.ledger.transitions import JobRef
from tenancy import changes
from tenancy.models import Assignment, Collaborator, Mission
from tests.chaos import job_types
from tests.chaos.job_types import Work
from tests.chaos.oracle import Count, Oracle
from tests.chaos.world import World
from tests.factories import mission
from tests.factories.jobs import at
from tests.waiting import eventually

log = structlog.get_logger(__name__)

PORTION = 150  # jobs fed at a time
JOBS_OF_A_STORY = 5  # two events are fanned out: a mail for each, a webhook for one of them


@dataclass(frozen=True, kw_only=True)
class Story:
    """A mission with somebody assigned to it: two mails and a webhook must come of it."""

    mailbox: str
    mission: str


@dataclass
class Load:
    """The jobs of some organizations."""

    world: World
    missions: list[Mission] = field(default_factory=list)
    asked: dict[UUID, str] = field(default_factory=dict)
    """The job types of the jobs that `enqueue_many` returned, after the commit."""
    stories: list[Story] = field(default_factory=list)
    number: int = 0

    def organizations(self, count: int) -> None:
        """Make organizations, each with a mission, and an endpoint that hears of assignments."""
        for _ in range(count):
            of = mission()
            name = f"hook-{of.organization_id}"
            with at(of.organization_id):
                _, secret = endpoints.create(
                    of.organization_id,
                    name="Board",
                    url=self.world.receivers.url(name),
                    event_types=["assignment.created"],
                )
            self.world.receivers.learn(name, secret)
            self.missions.append(of)

    def enqueue(
        self,
        job_type: JobType[Work],
        count: int = 1,
        *,
        of: Mission | None = None,
        correlation_id: str = "drill",
        run_at: datetime | None = None,
        **work: object,
    ) -> list[JobRef]:
        """So many jobs, spread over the organizations or all of one; safe to ask for twice."""
        among = [of] if of else self.missions
        refs: list[JobRef] = []
        for place, one in enumerate(among):
            share = count // len(among) + (place < count % len(among))
            payload = Work(
                **({"mission_id": one.pk, "url": self.world.receivers.url("sends")} | work)
            )
            new = [
                NewJob(
                    payload=payload,
                    organization_id=one.organization_id,
                    entity=("work", f"{self.number + number}"),
                    correlation_id=correlation_id,
                    run_at=run_at,
                )
                for number in range(share)
            ]
            refs += self._enqueue(job_type, one.organization_id, new)
        self.number += count
        return refs

    def _enqueue(
        self, job_type: JobType[Work], organization_id: int, new: list[NewJob[Work]]
    ) -> list[JobRef]:
        with at(organization_id):
            enqueued = enqueue_many(job_type, new)
        self.asked.update({one.job_id: job_type.name for one in enqueued})
        return [JobRef(organization_id=organization_id, job_id=one.job_id) for one in enqueued]

    def tell(self, count: int, *, of: Mission) -> None:
        """So many stories of one organization; safe to ask for twice."""
        first = self.number
        stories = [
            Story(mailbox=f"somebody-{number}@example.test", mission=f"S-{number}")
            for number in range(first, first + count)
        ]
        with at(of.organization_id):
            if not Mission.objects.filter(reference=stories[0].mission).exists():
                _assign(of, stories)
        self.stories += stories
        self.number += count

    @contextmanager
    def feeding(self, jobs: int) -> Iterator[None]:
        """Ask for so many jobs of all families while the block runs, whatever happens to the
        servers: what is not known to be committed is asked for again, as a caller would."""
        broken: list[BaseException] = []

        def feed() -> None:
            try:
                for portion in range(0, jobs, PORTION):
                    self._insist(min(PORTION, jobs - portion))
            except BaseException as error:  # noqa: BLE001 - raised again below
                broken.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=feed, name="feeder")
        thread.start()
        try:
            yield
        finally:
            thread.join()
        for error in broken:
            raise error

    def _insist(self, jobs: int) -> None:
        """A third of each: writes (which are fanned out: two jobs each), sends, stories."""
        writes, stories = jobs // 6, jobs // 3 // JOBS_OF_A_STORY
        sends = jobs - 2 * writes - stories * JOBS_OF_A_STORY
        of = self.missions[self.number % len(self.missions)]
        self._until_committed(lambda: self.enqueue(job_types.WRITE, writes, seconds=0.002))
        self._until_committed(lambda: self.enqueue(job_types.SEND, sends, seconds=0.002))
        self._until_committed(lambda: self.tell(stories, of=of))

    def _until_committed(self, ask: object) -> None:
        def committed() -> bool:
            try:
                ask()  # type: ignore[operator]
            except Error as error:
                log.info("asked_again", error=str(error))
                connections.close_all()
                return False
            return True

        eventually(committed, within=120)

    # -- how far it is ------------------------------------------------------------------------

    def ended(self) -> int:
        """How many jobs have come to their end."""
        return self.oracle.ended()

    def let_pass(self, more: int, *, most: int) -> None:
        """Return once so many more jobs have ended, or `most` in all: a random moment."""
        self.wait_for(min(self.ended() + more, most))

    def wait_for(self, count: int) -> None:
        """Return once so many jobs have come to their end."""
        eventually(lambda: self.ended() >= count, within=120)

    @property
    def oracle(self) -> Oracle:
        return Oracle(self.world, asked=self.asked, stories=self.stories)

    def count(self, **expected: object) -> Count:
        """Wait for the end of all, and hold what every drill ends with."""
        return self.oracle.count(**expected)  # type: ignore[arg-type]


def _assign(of: Mission, stories: Sequence[Story]) -> None:
    organization = of.organization
    people = changes.create_many(
        [Collaborator(organization=organization, email=s.mailbox, name="Somebody") for s in stories]
    )
    project = of.project
    work = changes.create_many(
        [
            Mission(organization=organization, project=project, reference=s.mission, title="Work")
            for s in stories
        ]
    )
    changes.create_many(
        [
            Assignment(organization=organization, mission=mission, collaborator=person)
            for mission, person in zip(work, people, strict=True)
        ]
    )
