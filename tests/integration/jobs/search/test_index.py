"""What is in the index is the newest version, whatever happened to the jobs on their way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import connection, transaction

from jobs.families.search import index as indexing
from jobs.families.search.backends import Result
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import MOST_BYTES, Document, cut, read
from jobs.families.search.models import SearchDocument, SearchEntry
from jobs.ledger.transitions import JobRef
from tenancy import changes
from tenancy.models import Organization
from tenancy.scope import scope
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import (
    documents,
    entries,
    generation,
    perform,
    vector,
    version,
    waiting,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_mission_is_indexed_with_its_project_people_and_timeline() -> None:
    project = make.project(name="Harbour")
    mission = make.mission(project, title="Replace the pump", reference="MSN-1042")
    of = mission.organization
    make.timeline_entry(mission, title="Drained", notes="with the long hose")
    make.assignment(mission, make.collaborator(of, name="Ada Fischer"), role="diver")

    work(of)

    number = generation(of).number  # type: ignore[union-attr]
    words = vector(of, mission)
    for word in ("msn-1042", "1042", "pump", "harbour", "ada", "diver", "drained", "hose"):
        assert f":{word}'" in words
    assert all(f"'{_base36(number)}:" in word for word in words.split(" "))
    stored = documents(of)["mission", mission.pk]
    assert stored.version == version(of, mission)
    assert stored.digest == entries(of)["mission", mission.pk].digest != ""


def test_a_late_job_of_an_older_version_changes_nothing() -> None:
    mission = make.mission(title="Old")
    of = mission.organization
    with at(of):
        old = read(of.pk, [("mission", mission.pk)]).documents
        changes.update(mission, title="New")
    work(of)

    with scope(of):
        [outcome] = backend().put(generation(of), old)  # type: ignore[arg-type]

    assert outcome.result == Result.SUPERSEDED
    assert documents(of)["mission", mission.pk].version == 2
    assert ":new'" in vector(of, mission)


def test_the_same_version_a_hundred_times_is_written_once() -> None:
    mission = make.mission()
    of = mission.organization
    work(of)

    with scope(of):
        for _ in range(100):
            outcomes = indexing.index(of.pk, [("mission", mission.pk)])
            assert outcomes["mission", mission.pk].result == Result.SUPERSEDED


def test_a_delete_that_overtakes_the_create_stays_deleted() -> None:
    mission = make.mission(title="Gone")
    of, key = mission.organization, ("mission", mission.pk)
    with at(of):
        created = read(of.pk, [key]).documents
        changes.delete(mission)
    work(of)

    with scope(of):
        backend().put(generation(of), created)  # type: ignore[arg-type]

    assert documents(of)[key].deleted
    assert vector(of, mission) == ""


def test_jobs_in_any_order_end_at_the_newest_version() -> None:
    mission = make.mission(title="One")
    of = mission.organization
    with at(of):
        changes.update(mission, title="Two")
        changes.update(mission, title="Three")
    jobs = waiting(of, "search.index_mission")

    for job in reversed(jobs):
        perform(JobRef(organization_id=of.pk, job_id=job.pk))

    assert documents(of)["mission", mission.pk].version == 3
    assert ":three'" in vector(of, mission)


def test_a_renamed_project_renames_itself_in_all_its_missions() -> None:
    project = make.project(name="Harbour")
    of = project.organization
    missions = [make.mission(project) for _ in range(3)]
    other = make.mission(make.project(of))
    work(of)
    before = version(of, other)

    with at(of):
        changes.update(project, name="Lighthouse")
    work(of)

    assert all(":lighthouse'" in vector(of, one) for one in [project, *missions])
    assert version(of, other) == before


def test_a_renamed_collaborator_is_found_by_the_new_name_alone() -> None:
    mission = make.mission()
    of = mission.organization
    person = make.collaborator(of, name="Ada")
    make.assignment(mission, person)
    work(of)

    with at(of):
        changes.update(person, name="Grace")
    work(of)

    assert ":grace'" in vector(of, mission)
    assert ":ada'" not in vector(of, mission)


def test_one_poisonous_document_of_many_is_refused_alone() -> None:
    mission = make.mission()
    of = mission.organization
    work(of)
    good = Document(organization_id=of.pk, kind="mission", entity_id=10**9, version=1, title="Good")
    poison = [
        replace(good, entity_id=10**9 + 2, title="a NUL \0 in it"),
        replace(good, entity_id=10**9 + 3, title="half a pair \ud800"),
    ]
    others = [replace(good, entity_id=number) for number in range(10**9 + 4, 10**9 + 54)]

    with scope(of):
        outcomes = indexing.put(backend(), generation(of), [good, *poison, *others])  # type: ignore[arg-type]

    refused = [key for key, one in outcomes.items() if one.result == Result.REFUSED]
    assert refused == [one.key for one in poison]
    assert all(outcomes[key].reason for key in refused)
    assert len(documents(of)) == 2 + 1 + len(others)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000_000,
        " ".join(f"word{number}" for number in range(100_000)),
        " ".join(chr(0x4E00 + number % 20_000) * 3 for number in range(200_000)),
    ],
    ids=["10 MB in one word", "100,000 distinct words", "a vector of more than 1 MiB"],
)
def test_a_document_that_is_too_large_is_indexed_by_what_fits(text: str) -> None:
    mission = make.mission(title="Found all the same")
    of = mission.organization
    with at(of):
        changes.update(mission, description=text)

    work(of)

    assert documents(of)["mission", mission.pk].version == 2
    assert ":found'" in vector(of, mission)


def test_a_text_is_cut_behind_a_word() -> None:
    assert cut("a few words", 7) == "a few"
    assert cut("a few words", 5) == "a few"
    assert cut("ééé", 3) == "é"
    assert cut("short") == "short"
    assert len(cut("word " * 100_000).encode()) <= MOST_BYTES


def test_what_was_cut_is_said() -> None:
    mission = make.mission(description="word " * 100_000)
    of = mission.organization

    with at(of):
        [document] = read(of.pk, [("mission", mission.pk)]).documents

    assert document.truncated
    assert len(document.text.encode()) <= MOST_BYTES


def test_batches_hold_500_documents_and_5_mib() -> None:
    small = Document(organization_id=1, kind="mission", entity_id=1, version=1, title="Small")
    large = replace(small, text="x" * MOST_BYTES)

    assert [len(one) for one in indexing.batches([small] * 1_001)] == [500, 500, 1]
    assert [len(one) for one in indexing.batches([large] * 30)] == [19, 11]


def test_the_first_job_of_an_organization_makes_its_index() -> None:
    of: Organization = make.mission().organization
    assert generation(of) is None

    work(of)

    assert generation(of) is not None
    assert len(documents(of)) == 2


def test_a_row_that_was_altered_by_hand_has_no_digest() -> None:
    mission = make.mission()
    of = mission.organization
    work(of)

    with at(of):
        SearchDocument.objects.filter(organization=of, kind="mission").update(title="Forged")

    assert documents(of)["mission", mission.pk].digest == ""
    assert documents(of)["project", mission.project_id].digest != ""


def test_a_document_that_the_counter_does_not_know_is_left_alone() -> None:
    of = make.organization()

    with scope(of):
        assert indexing.index(of.pk, [("mission", 1)]) == {}
        with transaction.atomic():
            assert read(of.pk, [("mission", 1)]).documents == []


def test_a_backend_that_cannot_compare_has_the_counter_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody counts a newer version, nor writes it, while an older one is on its way."""
    mission = make.mission()
    of = mission.organization
    put, is_locked = type(backend()).put, []

    def looking(self: object, where: object, batch: object) -> object:
        with ThreadPoolExecutor(1) as elsewhere:
            is_locked.append(elsewhere.submit(_is_locked, of, mission.pk).result())
        return put(self, where, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(type(backend()), "put", looking)
    for capability in ("lock", "compare_and_set"):
        monkeypatch.setattr(type(backend()), "capability", capability)
        with scope(of):
            indexing.index(of.pk, [("mission", mission.pk)])

    assert is_locked == [True, False]


def _is_locked(of: Organization, entity_id: int) -> bool:
    try:
        with at(of):
            free = SearchEntry.objects.filter(kind="mission", entity_id=entity_id)
            return not free.select_for_update(skip_locked=True).exists()
    finally:
        connection.close()


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return _base36(number // 36).lstrip("0") + digits[number % 36] if number else "0"
