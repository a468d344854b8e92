"""What a worker has in hand of one organization costs one read and one bulk write."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.families.search import folding as folding_module
from jobs.families.search.backends import BackendUnavailable, Outcome, Result
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import Key
from jobs.families.search.folding import Folding
from jobs.families.search.models import SearchDocument
from jobs.ledger.models import DeadLetter, Job
from tenancy import changes
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import documents
from tests.integration.jobs.search.conftest import StartWorker
from tests.waiting import eventually


class Index:
    """Notes what it is asked to write, and says that version 5 of each was written."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, set[Key]]] = []

    def __call__(self, organization_id: int, keys: Iterable[Key]) -> dict[Key, Outcome]:
        self.asked.append((organization_id, set(keys)))
        return dict.fromkeys(keys, WRITTEN)


WRITTEN = Outcome(result=Result.WRITTEN, version=5)
ONE, TWO, THREE = (("mission", number) for number in (1, 2, 3))


def nobody() -> list[Key]:
    return []


def test_the_first_takes_along_what_waits_besides() -> None:
    index = Index()
    folding = Folding(index)

    outcomes = [folding.outcome(1, key, 5, lambda: [ONE, TWO, THREE]) for key in (ONE, TWO, THREE)]

    assert outcomes == [WRITTEN] * 3
    assert index.asked == [(1, {ONE, TWO, THREE})]


def test_a_newer_version_than_the_one_that_was_written_is_written() -> None:
    index = Index()
    folding = Folding(index)

    folding.outcome(1, ONE, 4, nobody)
    folding.outcome(1, ONE, 6, nobody)

    assert len(index.asked) == 2


def test_what_was_written_of_one_organization_says_nothing_of_another() -> None:
    index = Index()
    folding = Folding(index)

    folding.outcome(1, ONE, 5, nobody)
    folding.outcome(2, ONE, 5, nobody)

    assert index.asked == [(1, {ONE}), (2, {ONE})]


@pytest.mark.parametrize("failure", [BackendUnavailable("away"), KeyboardInterrupt()])
def test_whoever_fails_leaves_the_others_to_themselves(failure: BaseException) -> None:
    index, failures = Index(), [failure]

    def failing(organization_id: int, keys: Iterable[Key]) -> dict[Key, Outcome]:
        if failures:
            raise failures.pop()
        return index(organization_id, keys)

    folding = Folding(failing)
    with pytest.raises(type(failure)):
        folding.outcome(1, ONE, 5, lambda: [TWO])

    assert folding.outcome(1, TWO, 5, nobody) == WRITTEN
    assert index.asked == [(1, {TWO})]


def test_threads_that_start_at_once_all_hear_what_became_of_theirs() -> None:
    index, keys = Index(), [("mission", number) for number in range(200)]
    folding = Folding(index)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda key: folding.outcome(1, key, 5, lambda: keys), keys))

    assert outcomes == [WRITTEN] * 200
    assert index.asked == [(1, set(keys))]


def test_what_was_written_is_forgotten_so_that_counting_may_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folding_module, "REMEMBERED_SECONDS", 0.0)
    index = Index()
    folding = Folding(index)

    folding.outcome(1, ONE, 5, nobody)
    folding.outcome(1, ONE, 1, nobody)

    assert len(index.asked) == 2


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding_module, "MOST_REMEMBERED", 10)
    folding = Folding(Index())

    for number in range(100):
        folding.outcome(1, ("mission", number), 5, nobody)

    assert len(folding._written) <= 12


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
