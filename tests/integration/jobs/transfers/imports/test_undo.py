"""What was imported is taken back, but for what somebody has touched since."""

import re
from datetime import timedelta

import pytest
from django.db import transaction

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import undo as undoing
from jobs.families.transfers.imports.errors import NotUndoable, WrongState
from jobs.families.transfers.models import Import
from tenancy import changes, clock
from tenancy.acting import Actor, acting
from tenancy.models import Membership, TimelineEntry, User
from tenancy.scope import scope
from tests import factories
from tests.factories.admin import signed_in
from tests.factories.api import Caller
from tests.factories.imports import csv, decide, line, now
from tests.factories.jobs import at
from tests.integration.jobs.transfers.imports.looking import actions, chunks, entries, issues
from tests.threads import elsewhere
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def imported(completed, settings):
    """Three entries that it changed (E-0 to E-2) and three that it added, in two chunks."""
    settings.IMPORTS_CHUNK_ROWS = 4
    mission = factories.mission()
    first = (line(f"E-{n}", mission.reference, title="Before") for n in range(3))
    completed(csv(*first), of=mission.organization)
    second = (line(f"E-{n}", mission.reference) for n in range(6))
    return completed(csv(*second), of=mission.organization)


def touch(of, key, **values):
    with at(of.organization_id):
        changes.update(entries(of)[key], **values)


def test_what_nobody_touched_is_as_before(imported, until):
    of = until(decide(doors.undo, imported), "undone", "stopped")

    assert {key: one.title for key, one in entries(of).items()} == {
        f"E-{n}": "Before" for n in range(3)
    }
    assert of.undo == {"deleted": 3, "restored": 3, "kept": 0}


def test_70_what_was_edited_since_is_kept_and_named(imported, until):
    touch(imported, "E-1", title="By hand")
    touch(imported, "E-4", notes="By hand")

    of = until(decide(doors.undo, imported), "undone", "stopped")

    assert {key: one.title for key, one in entries(of).items()} == {
        "E-0": "Before",
        "E-1": "By hand",
        "E-2": "Before",
        "E-4": "Title of E-4",
    }
    assert of.undo == {"deleted": 2, "restored": 2, "kept": 2}
    assert [(row, code) for row, _, _, code in issues(of)] == [(3, "kept"), (6, "kept")]


def test_what_a_later_import_wrote_is_kept(imported, completed, until):
    later = csv(line("E-5", "x").replace("x", mission_of(imported), 1).replace("Title", "Later"))
    completed(later, of=organization_of(imported))

    of = until(decide(doors.undo, imported), "undone", "stopped")

    assert entries(of)["E-5"].title == "Later of E-5"
    assert of.undo["kept"] == 1


def test_its_plan_writes_nothing(imported):
    touch(imported, "E-1", title="By hand")

    plan = decide(doors.plan_undo, imported)

    assert plan.counts == {"deleted": 3, "restored": 2, "kept": 1}
    assert [(one["row"], one["code"]) for one in plan.kept] == [(3, "kept")]
    assert len(entries(imported)) == 6
    assert chunks(imported, is_undo=True) == []


def test_of_more_entries_than_anybody_waits_for_no_plan_is_made(imported, monkeypatch):
    monkeypatch.setattr(undoing, "MOST_PREVIEWED", 5)

    with pytest.raises(NotUndoable) as refused:
        decide(doors.plan_undo, imported)

    assert (refused.value.code, refused.value.facts) == (
        "too_many_to_preview",
        {"found": 6, "limit": 5},
    )


def test_each_chunk_back_is_an_event_with_the_digest_of_its_changes(imported, until):
    of = until(decide(doors.undo, imported), "undone")

    assert actions(of)[-4:] == [
        "import.undo_began",
        "import.chunk_undone",
        "import.chunk_undone",
        "import.undone",
    ]
    assert {len(chunk.changes_sha256) for chunk in chunks(of, is_undo=True)} == {64}


def test_70_undoing_twice_is_refused(imported, until):
    of = decide(doors.undo, imported)
    with pytest.raises(WrongState):
        decide(doors.undo, of)

    of = until(of, "undone")
    with pytest.raises(WrongState):
        decide(doors.undo, of)


def test_what_was_undone_half_way_goes_on_when_somebody_undoes_it_again(completed, until, settings):
    """Whoever began it lost the right between two chunks."""
    settings.IMPORTS_CHUNK_ROWS = 2
    mission = factories.mission()
    own = mission.organization
    of = completed(csv(*(line(f"E-{n}", mission.reference) for n in range(6))), of=own)

    def lose_the_right():
        eventually(lambda: now(of).undo_checkpoint == 2)
        with at(own):
            changes.delete(Membership.objects.get(organization=own))

    with elsewhere() as begin, at(own):  # chunk 2 waits for this transaction
        TimelineEntry.objects.select_for_update().get(organization=own, external_id="E-2")
        begin(decide, doors.undo, of).result()
        begin(lose_the_right).result()
    stopped = until(of, "undone", "stopped")
    assert (stopped.state, stopped.undo_checkpoint) == ("stopped", 1)

    other = factories.member(own, "editor")
    with scope(own), acting(Actor.user(other.pk), source="web"):
        doors.undo(stopped)
    of = until(of, "undone", "stopped")

    assert (of.state, of.undo) == ("undone", {"deleted": 6, "restored": 0, "kept": 0})
    assert [chunk.number for chunk in chunks(of, is_undo=True)] == [1, 2, 3]


def test_a_rest_of_more_than_thirty_days_ends_it(imported):
    long_ago = clock.now() - doors.UNDO_FOR - timedelta(hours=1)
    with scope(imported.organization_id), transaction.atomic():
        Import.objects.filter(pk=imported.pk).update(finished_at=long_ago)

    with pytest.raises(NotUndoable) as refused:
        decide(doors.undo, now(imported))

    assert refused.value.code == "too_late"


def mission_of(of) -> str:
    with at(of.organization_id):
        return entries(of)["E-5"].mission.reference


def organization_of(of):
    with at(of.organization_id):
        return of.organization


def test_its_page_says_before_what_would_become_of_what(imported):
    touch(imported, "E-1", title="By hand")
    by = Actor.parse(imported.actor_id)

    page = signed_in(User.objects.get(pk=by.id)).get(f"/admin/jobs/import/{imported.pk}/undo/")
    shown = " ".join(re.sub("<[^>]+>", " ", page.content.decode()).split())

    assert "Deleted 3 Restored 2 Kept 1" in shown
    assert "Kept, by row in the file: 3." in shown


def test_the_api_tells_the_same(imported):
    touch(imported, "E-1", title="By hand")
    own = organization_of(imported)

    told = Caller.of(own).get(f"/imports/{imported.pk}/undo").json()

    assert {name: told[name] for name in ("deleted", "restored", "kept")} == {
        "deleted": 3,
        "restored": 2,
        "kept": 1,
    }
    assert [(one["row"], one["code"]) for one in told["first_kept"]] == [(3, "kept")]
    assert Caller.of(own, role="viewer").get(f"/imports/{imported.pk}/undo").status_code == 403
