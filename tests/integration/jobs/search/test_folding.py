"""What a worker has in hand of one organization costs one read and one bulk write."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from jobs.families.search.backends import BackendUnavailable, Outcome, Result
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Key
from jobs.families.search.folding import Folding
from jobs.families.search.models import SearchDocument
from jobs.ledger.models import DeadLetter, Job
from jobs.ledger.transitions import Claimed, JobRef
from tenancy import changes
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import documents
from tests.integration.jobs.search.conftest import StartWorker
from tests.waiting import eventually

WRITTEN = Outcome(result=Result.WRITTEN)


def claimed(entity_id: int, organization_id: int = 1) -> Claimed:
    """As a worker has it after a fetch."""
    return Claimed(
        ref=JobRef(organization_id=organization_id, job_id=uuid4()),
        fence=1,
        attempt=1,
        max_attempts=13,
        losses=0,
        job_type="search.index_mission",
        group="indexing",
        payload={"entity_id": entity_id, "version": 1},
        project_id=None,
        entity=("mission", str(entity_id)),
        correlation_id="c",
        actor_id="system",
        effect_id="",
        effect_state="not_begun",
        wait_seconds=0,
    )


def key_of(job: Claimed) -> Key | None:
    return "mission", job.payload["entity_id"]


class Index:
    """Notes what it is asked to write."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, set[Key]]] = []

    def __call__(self, organization_id: int, keys: Iterable[Key]) -> dict[Key, Outcome]:
        self.asked.append((organization_id, set(keys)))
        return dict.fromkeys(keys, WRITTEN)


def test_the_first_takes_along_what_is_in_hand_of_its_organization() -> None:
    index, jobs = Index(), [claimed(1), claimed(2), claimed(2), claimed(3, organization_id=2)]
    folding = Folding(index)

    outcomes = [folding.outcome(job, key_of, jobs) for job in jobs]

    assert outcomes == [WRITTEN] * 4
    assert index.asked == [(1, {("mission", 1), ("mission", 2)}), (2, {("mission", 3)})]


def test_a_job_that_runs_again_writes_again() -> None:
    index, job = Index(), claimed(1)
    folding = Folding(index)

    folding.outcome(job, key_of, [job])
    folding.outcome(job, key_of, [job])

    assert len(index.asked) == 2


def test_an_outage_is_everybodys() -> None:
    def away(organization_id: int, keys: Iterable[Key]) -> dict[Key, Outcome]:
        raise BackendUnavailable("away")

    folding, jobs = Folding(away), [claimed(1), claimed(2)]

    for job in jobs:
        with pytest.raises(BackendUnavailable):
            folding.outcome(job, key_of, jobs)


def test_what_an_interrupted_one_took_along_goes_on_by_itself() -> None:
    class Interrupted(BaseException):
        """As Dramatiq raises one in a thread."""

    index, jobs = Index(), [claimed(1), claimed(2)]
    first = True

    def interrupted(organization_id: int, keys: Iterable[Key]) -> dict[Key, Outcome]:
        nonlocal first
        if first:
            first = False
            raise Interrupted
        return index(organization_id, keys)

    folding = Folding(interrupted)
    with pytest.raises(Interrupted):
        folding.outcome(jobs[0], key_of, jobs)

    assert folding.outcome(jobs[1], key_of, jobs[1:]) == WRITTEN
    assert index.asked == [(1, {("mission", 2)})]


def test_threads_that_start_at_once_all_hear_what_became_of_theirs() -> None:
    index, jobs = Index(), [claimed(number) for number in range(200)]
    folding = Folding(index)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda job: folding.outcome(job, key_of, jobs), jobs))

    assert outcomes == [WRITTEN] * 200
    written = [key for _, keys in index.asked for key in keys]
    assert sorted(written) == sorted(("mission", number) for number in range(200))


@pytest.mark.django_db(transaction=True)
def test_a_worker_indexes_what_was_changed_and_ends_every_job(start_worker: StartWorker) -> None:
    project = make.project()
    of = project.organization
    for _ in range(20):
        make.mission(project)

    start_worker()
    eventually(lambda: not _open(of.pk), within=30)

    assert len(documents(of)) == 21
    with at(of):
        assert set(
            Job.objects.filter(job_type__startswith="search.").values_list("state", flat=True)
        ) == {"succeeded"}


@pytest.mark.django_db(transaction=True)
def test_one_refused_document_is_dead_alone(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No text that the database keeps is refused by its own index: a constraint stands for it."""
    project = make.project()
    of = project.organization
    missions = [make.mission(project) for _ in range(5)]
    poison = missions[2].pk
    put = type(backend())._put  # type: ignore[attr-defined]

    def refusing(self: object, generation: object, batch: list[SearchDocument]) -> object:
        if any(one.kind == "mission" and one.entity_id == poison for one in batch):
            raise ValueError("no room for this one")
        return put(self, generation, batch)

    monkeypatch.setattr(type(backend()), "_put", refusing)
    start_worker()
    eventually(lambda: not _open(of.pk), within=30)

    with at(of):
        [letter] = DeadLetter.objects.filter(organization_id=of.pk)
    assert letter.reason == "document_refused"
    assert str(poison) in letter.error_message
    assert len(documents(of)) == 5


@pytest.mark.django_db(transaction=True)
def test_an_outage_of_the_backend_ends_when_it_is_back(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The domain's transaction never fails for it; the jobs are tried until they succeed."""
    mission = make.mission()
    of = mission.organization
    put, failures = type(backend()).put, iter(range(3))

    def away(self: object, generation: object, batch: object) -> object:
        if next(failures, None) is not None:
            raise BackendUnavailable("it restarts")
        return put(self, generation, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(type(backend()), "put", away)
    start_worker()
    with at(of):
        changes.update(mission, title="While it was away")

    eventually(lambda: not _open(of.pk), within=30)

    assert documents(of)["mission", mission.pk].version == 2


def _open(organization_id: int) -> int:
    with at(organization_id):
        return (
            Job.objects.filter(organization_id=organization_id, job_type__startswith="search.")
            .exclude(state__in=["succeeded", "dead", "cancelled"])
            .count()
        )
