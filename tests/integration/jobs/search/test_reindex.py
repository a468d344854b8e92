"""A new index is filled beside the one in use, and readers move over in one step."""

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from audit.models import AuditEvent
from jobs.families.search import generations, reindex
from jobs.families.search.backends.choose import backend
from jobs.families.search.documents import read
from jobs.families.search.errors import NoOlderIndex, NothingToResume, ReindexUnderWay
from jobs.families.search.models import SearchEntry, SearchGeneration
from jobs.ledger.transitions import JobRef
from tenancy import changes
from tenancy.models import Mission, Organization
from tenancy.scope import scope
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import documents, entries, generation, perform, vector, waiting, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def of() -> Organization:
    """Three missions of one project, indexed."""
    project = make.project(name="Harbour")
    for _ in range(3):
        make.mission(project)
    work(project.organization)
    return project.organization


def start(of: Organization) -> SearchGeneration:
    with at(of):
        return reindex.start(of.pk, "asked for by a test")


def one_slice(of: Organization) -> None:
    [job] = waiting(of, "search.reindex")
    perform(JobRef(organization_id=of.pk, job_id=job.pk))


def state(row: SearchGeneration) -> str:
    with at(row.organization_id):
        row.refresh_from_db()
    return row.state


def actions(of: Organization) -> list[str]:
    with at(of):
        found = AuditEvent.objects.filter(organization=of, action__startswith="search.")
        return list(found.order_by("pk").values_list("action", flat=True))


def test_readers_have_the_old_index_until_the_new_one_is_whole(of: Organization) -> None:
    old = generation(of)

    new = start(of)
    assert generation(of) == old
    one_slice(of)

    assert generation(of) == generations.named(new)
    assert documents(of) == documents(of, "retired")
    assert len(documents(of)) == 4
    assert actions(of) == ["search.reindex_started", "search.reindex_completed"]


def test_a_second_reindex_at_once_is_refused(of: Organization) -> None:
    start(of)

    with at(of), pytest.raises(ReindexUnderWay):
        reindex.start(of.pk, "once more")

    assert len(waiting(of, "search.reindex")) == 1


def test_live_changes_go_into_both_indexes_meanwhile(of: Organization) -> None:
    start(of)
    with at(of):
        mission = Mission.objects.filter(organization=of).first()
        assert mission
        changes.update(mission, title="Changed meanwhile")
    work(of, "search.index")

    key = ("mission", mission.pk)
    assert documents(of)[key].version == documents(of, "building")[key].version == 2
    one_slice(of)
    assert documents(of)[key].version == 2


def test_a_project_that_is_renamed_during_a_reindex_has_its_new_name_in_both(
    of: Organization,
) -> None:
    with at(of):
        missions = list(Mission.objects.filter(organization=of).select_related("project"))
    start(of)
    with at(of):
        changes.update(missions[0].project, name="Lighthouse")
    work(of)

    assert all(":lighthouse'" in vector(of, one) for one in missions)
    assert documents(of) == documents(of, "retired")


def test_a_chunk_that_is_older_than_a_live_write_does_not_undo_it(of: Organization) -> None:
    """What the scan had read when the change came: its write is late, and is refused."""
    new = start(of)
    with at(of):
        mission = Mission.objects.filter(organization=of).first()
        assert mission
        scanned = read(of.pk, entries(of)).documents
        changes.delete(mission)
    work(of, "search.index")

    with scope(of):
        backend().put(generations.named(new), scanned)
    one_slice(of)

    assert documents(of)["mission", mission.pk].deleted


def test_it_goes_on_slice_by_slice_from_its_checkpoint(
    of: Organization, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEARCH_SLICE_SECONDS = 0
    monkeypatch.setattr(reindex, "CHUNK", 2)
    new = start(of)

    one_slice(of)
    with at(of):
        new.refresh_from_db()
    assert (new.done, new.total, new.turn) == (2, 4, 2)
    assert len(documents(of, "building")) == 2
    work(of)

    assert state(new) == "live"
    assert len(documents(of)) == 4


def test_one_that_was_killed_between_write_and_checkpoint_writes_the_chunk_again(
    of: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = start(of)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches a signal."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(reindex, "note", killed)  # behind the bulk write, before the checkpoint
        with pytest.raises(Killed):
            one_slice(of)
    assert len(documents(of, "building")) == 4
    with at(of), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET state = 'dead', finished_at = now(), worker_id = '' WHERE id = %s",
            [new.job_id],
        )
    with at(of):
        reindex.resume(of.pk)
    work(of)

    assert state(new) == "live"
    assert len(documents(of)) == 4


def test_what_is_at_work_is_not_resumed_twice(of: Organization) -> None:
    start(of)

    with at(of), pytest.raises(NothingToResume):
        reindex.resume(of.pk)
    assert len(waiting(of, "search.reindex")) == 1


def test_a_cancelled_one_leaves_the_old_index_in_use(of: Organization) -> None:
    old, new = generation(of), start(of)

    with at(of):
        reindex.cancel(of.pk)
    work(of)

    assert generation(of) == old
    assert state(new) == "dropped"
    start(of)


def test_going_back_is_one_step_and_loses_no_change(of: Organization) -> None:
    old = generation(of)
    start(of)
    work(of)
    with at(of):
        mission = Mission.objects.filter(organization=of).first()
        assert mission
        changes.update(mission, title="After the swap")
    work(of)

    with at(of):
        generations.swap_back(of.pk)

    assert generation(of) == old
    assert documents(of)["mission", mission.pk].version == 2


def test_there_is_no_going_back_to_what_was_never_there(of: Organization) -> None:
    with at(of), pytest.raises(NoOlderIndex):
        generations.swap_back(of.pk)


def test_a_mission_that_was_never_counted_is_found_after_a_reindex(of: Organization) -> None:
    with at(of):
        mission = Mission.objects.filter(organization=of).first()
        assert mission
        SearchEntry.objects.filter(organization=of, entity_id=mission.pk, kind="mission").delete()

    start(of)
    work(of)

    assert ("mission", mission.pk) in documents(of)


def test_tombstones_are_carried_over(of: Organization) -> None:
    with at(of):
        mission = Mission.objects.filter(organization=of).first()
        assert mission
        changes.delete(mission)
    work(of)

    start(of)
    work(of)

    assert documents(of)["mission", mission.pk].deleted


def test_the_index_of_another_organization_is_left_alone(of: Organization) -> None:
    other = make.mission().organization
    work(other)
    before = generation(other), documents(other)

    start(of)
    work(of)

    assert (generation(other), documents(other)) == before


def test_a_throttled_one_writes_all_the_same(of: Organization) -> None:
    with at(of), transaction.atomic():
        reindex.start(of.pk, "slowly", per_second=1_000)
    work(of)

    assert len(documents(of)) == 4
