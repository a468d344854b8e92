"""What differs between counter and index is found and mended; what is foreign goes at once."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from audit.models import AuditEvent
from jobs.families.search import reindex, upkeep
from jobs.families.search.models import SearchDocument, SearchEntry, SearchGeneration
from jobs.families.search.reconcile import Checked, reconcile
from jobs.ledger.models import Job
from tenancy import changes, clock
from tenancy.models import Mission, Organization
from tenancy.scope import engine_scope, scope
from tests import factories, servers
from tests.factories import tenancy as make
from tests.factories.jobs import at
from tests.factories.search import documents, generation, version, waiting, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mission() -> Mission:
    """Indexed."""
    mission = make.mission()
    work(mission.organization)
    return mission


def check(of: Organization, *, repair: bool = False) -> Checked:
    with scope(of):
        return reconcile(of.pk, repair=repair, settled_after=0)


def mended(of: Organization) -> None:
    """Repair, let the jobs run, and look again."""
    check(of, repair=True)
    work(of)
    assert check(of).differences == 0


def stored(of: Organization, **where: Any) -> Any:
    return SearchDocument.objects.filter(organization=of, **where)


def test_a_whole_index_has_no_difference(mission: Mission) -> None:
    checked = check(mission.organization)

    assert (checked.differences, checked.compared) == (0, 2)


def test_what_is_missing_is_found_and_written_anew(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        stored(of, kind="mission").delete()

    assert check(of).counts["missing"] == 1
    mended(of)


def test_a_change_of_a_moment_ago_is_no_difference(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        changes.update(mission, title="Not indexed yet")

    with scope(of):
        assert reconcile(of.pk, repair=False).differences == 0
    assert check(of).counts["stale"] == 1


def test_while_jobs_wait_they_are_what_mends_it(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        changes.update(mission, title="Not indexed yet")
    before = version(of, mission)

    check(of, repair=True)

    assert version(of, mission) == before
    work(of)
    assert check(of).differences == 0


@pytest.mark.parametrize("altered", [{"title": "Forged"}, {"vector": ""}, {"deleted": True}])
def test_a_document_that_was_altered_by_hand_is_stale(
    mission: Mission, altered: dict[str, Any]
) -> None:
    of = mission.organization
    with at(of):
        stored(of, kind="mission").update(**altered)

    assert check(of).counts["stale"] == 1
    mended(of)


def test_a_document_that_no_entry_knows_is_taken_out(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        stored(of, kind="mission").update(entity_id=10**9)

    assert check(of).counts["orphaned"] == 1
    mended(of)

    assert ("mission", 10**9) not in documents(of)


def test_an_index_that_is_emptied_is_filled_again(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        stored(of).delete()

    assert check(of).counts["missing"] == 2
    mended(of)


def test_an_index_ahead_of_a_restored_database_is_built_anew(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        changes.update(mission, title="Lost by the restore")
    work(of)
    with at(of):
        SearchEntry.objects.filter(organization=of, kind="mission").update(version=1)
    old = generation(of)

    checked = check(of, repair=True)
    assert (checked.counts["ahead"], checked.reindexing) == (1, True)
    work(of)

    assert generation(of) != old
    assert documents(of)["mission", mission.pk].version == 1
    assert check(of).differences == 0


def test_a_foreign_document_goes_at_once_and_is_audited(
    mission: Mission,
) -> None:
    of, other = mission.organization, make.organization()
    address = servers.current().database_url("postgres", str(connection.settings_dict["NAME"]))
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(
            "UPDATE search_document SET organization_id = %s WHERE organization_id = %s "
            "AND kind = 'project'",
            [other.pk, of.pk],
        )

    checked = check(of)

    assert checked.counts["foreign"] == 1
    with engine_scope(), transaction.atomic():
        assert not SearchDocument.objects.filter(organization=other).exists()
    with at(of):
        assert AuditEvent.objects.filter(action="search.foreign_removed").count() == 1
    mended(of)


def test_what_was_found_is_kept_with_the_index(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        stored(of).delete()

    check(of)

    with at(of):
        row = SearchGeneration.objects.get(organization=of, state="live")
    assert row.drift["missing"] == 2
    assert row.checked_at is not None


def test_the_scheduler_has_each_index_compared_once_a_time(mission: Mission) -> None:
    of = mission.organization
    with engine_scope(), transaction.atomic():  # a batch is taken at a time, and other tests' wait
        others = SearchGeneration.objects.exclude(organization_id=of.pk)
        others.update(check_due_at=clock.now() + timedelta(hours=1))

    upkeep.check_some()
    upkeep.check_some()

    assert len(waiting(of, "search.reconcile")) == 1
    work(of)
    upkeep.check_some()
    assert waiting(of, "search.reconcile") == []


def test_an_index_that_cannot_be_compared_keeps_no_other_from_its_turn(
    mission: Mission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody works for the first: its organization is suspended, or its job is dead."""
    monkeypatch.setattr(upkeep, "BATCH", 1)
    stuck, of = mission.organization, factories.mission().organization
    work(of)
    with engine_scope(), transaction.atomic():
        mine = SearchGeneration.objects.filter(state="live")
        mine.update(check_due_at=clock.now() + timedelta(hours=1))
        mine.filter(organization_id=of.pk).update(check_due_at=clock.now() - timedelta(hours=1))
        mine.filter(organization_id=stuck.pk).update(check_due_at=clock.now() - timedelta(hours=2))

    asked = [upkeep.check_some() for _ in range(3)]

    assert asked == [1, 1, 0]
    assert len(waiting(of, "search.reconcile")) == 1


def test_a_retired_index_is_dropped_when_its_day_is_over(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        reindex.start(of.pk, "for a new one")
    work(of)
    upkeep.drop_some()
    assert documents(of, "retired")

    old = generation(of, "retired")
    with at(of):
        hour = timedelta(hours=1)
        SearchGeneration.objects.filter(state="retired").update(drop_at=clock.now() - hour)
    upkeep.drop_some()

    assert old
    with at(of):
        row = SearchGeneration.objects.get(pk=old.number)
        assert row.state == "dropped"
        assert row.removed_at is not None
        assert not stored(of, generation_id=old.number).exists()


def test_a_suspended_organization_has_no_index_and_a_restored_one_has_it_again(
    mission: Mission,
) -> None:
    of = mission.organization
    was = generation(of)
    assert was
    with at(of):
        changes.update(of, state="suspended")
    assert generation(of) is None
    upkeep.drop_some()
    with at(of):
        assert not stored(of).exists()

    with at(of):
        changes.update(of, state="active")
    work(of)

    assert len(documents(of)) == 2
    assert check(of).differences == 0


def test_a_tombstone_is_forgotten_when_nothing_can_be_older(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        changes.delete(mission)
    work(of)
    deleted_eight_days_ago(of)

    upkeep.purge_some()

    assert ("mission", mission.pk) not in documents(of)
    assert version(of, mission) == 0
    assert check(of).differences == 0


def test_a_tombstone_stays_while_an_older_job_waits(mission: Mission) -> None:
    of = mission.organization
    with at(of):
        changes.delete(mission)
    deleted_eight_days_ago(of)
    with at(of):
        Job.objects.filter(organization_id=of.pk).update(created_at=clock.now() - timedelta(days=9))

    upkeep.purge_some()

    assert version(of, mission) > 0


def deleted_eight_days_ago(of: Organization) -> None:
    with at(of):
        tombstones = SearchEntry.objects.filter(organization=of, deleted=True)
        assert tombstones.update(changed_at=clock.now() - timedelta(days=8)) == 1
