"""Chunk after chunk, each exactly once; and what ends it in between."""

import hashlib
from pathlib import Path

import pytest
from django.db import transaction

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import files
from jobs.families.transfers.store import store
from jobs.ledger.models import DeadLetter, Job
from tenancy import changes
from tenancy.models import Membership, OrganizationState
from tenancy.scope import operator_scope
from tests import factories
from tests.factories.imports import csv, decide, line, now
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.holding import held
from tests.integration.jobs.transfers.imports.looking import (
    actions,
    chunks,
    entries,
    events,
    sql,
)
from tests.threads import until_somebody_waits_for_a_lock
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mission():
    return factories.mission()


@pytest.fixture
def plan(validated, settings, mission):
    """Of twenty rows, E-00 to E-19, in chunks of five."""
    settings.IMPORTS_CHUNK_ROWS = 5
    rows = (line(f"E-{n:02}", mission.reference) for n in range(20))
    return validated(csv(*rows), of=mission.organization)


def reached(of, chunk: int) -> None:
    """So many chunks are committed, and the next one waits for the entry that is held."""
    eventually(lambda: now(of).checkpoint_chunk >= chunk, within=20)
    until_somebody_waits_for_a_lock()


def letters(of) -> list[str]:
    with at(of.organization_id):
        mine = DeadLetter.objects.filter(organization_id=of.organization_id)
        return list(mine.values_list("reason", flat=True))


def test_each_chunk_is_one_event_with_the_digest_of_its_changes(plan, until):
    of = until(decide(doors.approve, plan), "completed")

    told = [one["detail"] for one in events(of) if one["action"] == "import.chunk_committed"]
    assert [(one["chunk"], one["rows"], one["added"]) for one in told] == [
        (1, [2, 6], 5),
        (2, [7, 11], 5),
        (3, [12, 16], 5),
        (4, [17, 21], 5),
    ]
    written = chunks(of)
    assert [one["changes_sha256"] for one in told] == [one.changes_sha256 for one in written]
    for one in written:
        digests = bytes(one.added_digests).hex(",", 16).split(",")
        pairs = zip(one.added_ids, digests, strict=True)
        lines = "\n".join(f"timelineentry {entry} added - {digest}" for entry, digest in pairs)
        assert hashlib.sha256(lines.encode()).hexdigest() == one.changes_sha256
    assert actions(of) == [
        "import.uploaded",
        "import.mapped",
        "import.validated",
        "import.approved",
        "import.commit_began",
        *["import.chunk_committed"] * 4,
        "import.completed",
    ]


def test_slices_give_others_their_turn(plan, until, settings):
    settings.IMPORTS_SLICE_SECONDS = 0

    of = until(decide(doors.approve, plan), "completed")

    assert [one.number for one in chunks(of)] == [1, 2, 3, 4]
    assert len({one.job_id for one in chunks(of)}) == 4
    assert len(entries(of)) == 20


def test_what_somebody_writes_meanwhile_is_compared_anew(plan, until, mission):
    with held(mission, "E-07"):
        of = decide(doors.approve, plan)
        reached(of, 1)
        factories.timeline_entry(
            mission, external_id="E-12", title="By hand", starts_at=mission.created_at
        )

    of = until(of, "completed")
    assert (of.done["added"], of.done["changed"]) == (19, 1)
    assert entries(of)["E-12"].title == "Title of E-12"


def test_69_who_lost_the_right_stops_it_between_two_chunks(plan, until, mission):
    with held(mission, "E-07"):
        of = decide(doors.approve, plan)
        reached(of, 1)
        with at(mission.organization):
            [membership] = Membership.objects.filter(organization=mission.organization)
            changes.delete(membership)

    of = until(of, "stopped")
    assert (of.reason, of.done["rows"]) == ("authorization_revoked", 10)
    assert len(entries(of)) == 10
    assert letters(of) == ["authorization_revoked"]
    assert actions(of)[-1] == "import.stopped"


def test_69_a_suspended_organization_stops_it_between_two_chunks(plan, until, mission):
    with held(mission, "E-07"):
        of = decide(doors.approve, plan)
        reached(of, 1)
        with operator_scope("a test"), transaction.atomic():
            changes.update(mission.organization, state=OrganizationState.SUSPENDED)

    of = until(of, "stopped")
    assert (of.reason, len(entries(of))) == ("authorization_revoked", 10)


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
def test_68_a_chunk_whose_statement_or_connection_is_lost_is_written_by_the_next_attempt(
    plan, until, mission, end
):
    """As a failover does, or a statement timeout."""
    with held(mission, "E-12"):
        of = decide(doors.approve, plan)
        reached(of, 2)
        eventually(lambda: cut_off(of, end), within=20)

    of = until(of, "completed")
    assert [(one.number, one.added) for one in chunks(of)] == [(n, 5) for n in (1, 2, 3, 4)]
    assert len(entries(of)) == of.done["added"] == 20
    assert actions(of).count("import.chunk_committed") == 4
    assert letters(of) == []


def cut_off(of, end: str) -> int:
    """Whoever of this database waits for the entry that is held; how many there were."""
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    return sql(of, f"SELECT count({end}(pid)) FROM pg_stat_activity WHERE {waiting}")


def test_70_a_cancelled_commit_keeps_what_is_committed(plan, until, mission):
    with held(mission, "E-12"):
        of = decide(doors.approve, plan)
        reached(of, 2)
    of = decide(doors.cancel, of)

    of = until(of, "cancelled")
    assert len(entries(of)) == of.done["rows"] == 5 * of.checkpoint_chunk
    assert decide(doors.undo, of).state == "undoing"
    assert entries(until(of, "undone")) == {}


def test_67_a_file_that_was_exchanged_is_not_committed(plan, until, mission):
    other = csv(line("X-1", mission.reference))
    store().put(files.upload(plan), [other])

    of = until(decide(doors.approve, plan), "stopped")

    assert (of.reason, entries(of)) == ("file_changed", {})
    assert letters(of) == []


def test_67_deciding_anew_voids_the_plan(plan, until):
    of = decide(doors.choose, plan, plan.choices)

    assert (of.state, of.plan, of.approved_by) == ("uploaded", None, "")
    assert until(of, "validated").choices_version == 2


def test_a_stopped_import_goes_on_behind_its_checkpoint(plan, until, mission, folder: Path):
    upload = store().open(files.upload(plan))
    kept = b"".join(upload)
    with held(mission, "E-07"):
        of = decide(doors.approve, plan)
        reached(of, 1)
        with at(mission.organization):
            [membership] = Membership.objects.filter(organization=mission.organization)
            changes.delete(membership)
    of = until(of, "stopped")
    assert b"".join(store().open(files.upload(of))) == kept
    with at(mission.organization):
        changes.create(
            Membership(organization=mission.organization, user_id=membership.user_id, role="editor")
        )

    of = until(decide(doors.resume, of), "completed")

    assert [(one.first_row, one.last_row) for one in chunks(of)] == [
        (2, 6),
        (7, 11),
        (12, 16),
        (17, 21),
    ]
    assert len(entries(of)) == 20


def test_72_the_second_of_two_waits_and_then_changes_nothing(plan, validated, until, mission):
    rows = (line(f"E-{n:02}", mission.reference) for n in range(20))
    second = validated(csv(*rows), of=mission.organization)

    with held(mission, "E-07"):
        first = decide(doors.approve, plan)
        reached(first, 1)
        second = decide(doors.approve, second)
        eventually(lambda: job_state(second) == "succeeded")
        assert now(second).state == "approved"

    assert until(first, "completed").done["added"] == 20
    second = until(second, "completed")
    assert (second.done["added"], second.done["changed"]) == (0, 0)
    assert second.done["unchanged"] == 20


def test_72_two_organizations_do_not_meet(completed):
    missions = [factories.mission(), factories.mission()]
    ofs = [completed(csv(line("E-1", one.reference)), of=one.organization) for one in missions]

    assert [of.done["added"] for of in ofs] == [1, 1]
    assert [entries(of)["E-1"].mission_id for of in ofs] == [one.pk for one in missions]


def job_state(of) -> str:
    with at(of.organization_id):
        return Job.objects.get(organization_id=of.organization_id, pk=now(of).job_id).state
