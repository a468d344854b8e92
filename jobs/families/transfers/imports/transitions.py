"""The arrows between the states of `states`: one function each, and nothing else writes the column.

All run in the caller's transaction and scope. The statement says which states it may leave; one
that the import is not in raises WrongState. Each writes its event into the audit log, and those
that leave work to a worker enqueue it, so that no state waits for a job that does not exist.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from audit.record import record
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import work
from jobs.families.transfers.imports.errors import WrongState
from jobs.families.transfers.imports.states import ASKING, AT_REST, WORKING, WRITING, ImportState
from jobs.families.transfers.imports.telling import tell_completed
from jobs.families.transfers.models import Import
from tenancy import clock
from tenancy.acting import current

S = ImportState
PHASES = {
    S.UPLOADED: "check",
    S.MAPPED: "validate",
    S.APPROVED: "commit",
    S.COMMITTING: "commit",
    S.UNDOING: "undo",
}
"""What a worker does for an import in this state."""


def uploaded(of: Import) -> None:
    """A new import: its file is stored."""
    record(
        "import.uploaded",
        of,
        detail=_file(of) | {"kind": of.kind, "file_name": of.file_name, "bytes": of.file_bytes},
    )
    work.send(of, PHASES[S.UPLOADED])


def ask(of: Import, survey: Mapping[str, Any], choices: Mapping[str, Any]) -> None:
    """uploaded → checked: a person has to decide something."""
    _move(of, "check", S.CHECKED, leaving=(S.UPLOADED,), survey=survey, choices=choices)
    codes = [one["code"] for one in survey["questions"]]
    record("import.checked", of, detail={"questions": codes, "rows": survey["rows"]})


def map_(of: Import, survey: Mapping[str, Any], choices: Mapping[str, Any]) -> None:
    """uploaded → mapped: nothing is left to ask."""
    _move(of, "map", S.MAPPED, leaving=(S.UPLOADED,), survey=survey, choices=choices)
    record(
        "import.mapped",
        of,
        detail={"columns": choices.get("columns", {}), "version": of.choices_version},
    )
    work.send(of, PHASES[S.MAPPED])


def choose(of: Import, choices: Mapping[str, Any]) -> None:
    """checked, validated → uploaded: what was decided is checked against the file again.

    A plan that was there is void.
    """
    _move(
        of,
        "decide about",
        S.UPLOADED,
        leaving=ASKING,
        choices=choices,
        choices_version=of.choices_version + 1,
        plan=None,
        issue_counts=[],
        approve_when_valid=False,
    )
    record("import.mapping_saved", of, detail={"version": of.choices_version, "choices": choices})
    work.send(of, PHASES[S.UPLOADED])


def reject(of: Import, issue: Issue) -> None:
    """uploaded, mapped → rejected: nothing of the file can be used."""
    _move(
        of,
        "reject",
        S.REJECTED,
        leaving=(S.UPLOADED, S.MAPPED),
        reason=issue.code,
        problem=issue.as_json(),
    )
    record("import.rejected", of, outcome="failed", detail=_file(of) | {"reason": issue.code})


def validate(of: Import, plan: Mapping[str, Any], issue_counts: list[dict[str, Any]]) -> None:
    """mapped → validated: the dry run is through."""
    _move(of, "validate", S.VALIDATED, leaving=(S.MAPPED,), plan=plan, issue_counts=issue_counts)
    record("import.validated", of, detail=_file(of) | {"plan": dict(plan)})


def approve(of: Import, *, confirmed: list[str]) -> None:
    """validated → approved, by who acts now. confirmed: the warnings that they said yes to."""
    by = str(current().actor)
    _move(
        of,
        "approve",
        S.APPROVED,
        leaving=(S.VALIDATED,),
        approved_by=by,
        approved_at=clock.now(),
        actor_id=by,
    )
    record(
        "import.approved",
        of,
        detail=_file(of) | {"version": of.choices_version, "confirmed": confirmed},
    )
    work.send(of, PHASES[S.APPROVED])


def begin(of: Import) -> bool:
    """approved → committing, unless another of this organization and kind is writing.

    That one's end sends this one's job again. The caller has opened the gate (`in_line`) before it
    locked the row.
    """
    writing = Import.objects.filter(
        organization_id=of.organization_id, kind=of.kind, state__in=WRITING
    )
    if writing.exclude(pk=of.pk).exists():
        return False
    _move(of, "commit", S.COMMITTING, leaving=(S.APPROVED,))
    record("import.commit_began", of, detail=_file(of) | {"from_row": of.checkpoint_row})
    return True


def review(
    of: Import, issue: Issue, plan: Mapping[str, Any], issue_counts: list[dict[str, Any]]
) -> None:
    """approved, committing → validated: what was approved is not what would happen now."""
    _move(
        of,
        "review",
        S.VALIDATED,
        leaving=(S.APPROVED, S.COMMITTING),
        plan=plan,
        issue_counts=issue_counts,
        reports={},
        problem=issue.as_json(),
        approved_by="",
        approved_at=None,
        approve_when_valid=False,
    )
    record("import.plan_changed", of, detail=dict(issue.detail))
    _let_others_in(of, wrote=True)


def complete(of: Import) -> None:
    """committing → completed."""
    _move(of, "complete", S.COMPLETED, leaving=(S.COMMITTING,), completed_at=Now())
    record("import.completed", of, detail=_file(of) | {"done": dict(of.done)})
    tell_completed(of)
    _let_others_in(of, wrote=True)


def stop(of: Import, issue: Issue) -> None:
    """Any that a worker moves on → stopped; what is committed stays."""
    wrote = of.state in WRITING
    _move(
        of,
        "stop",
        S.STOPPED,
        leaving=WORKING,
        stopped_in=of.state,
        reason=issue.code[:64],
        problem=issue.as_json(),
    )
    record(
        "import.stopped",
        of,
        outcome="failed",
        detail=_file(of) | {"reason": issue.code, "done": dict(of.done)},
    )
    _let_others_in(of, wrote=wrote)


def resume(of: Import) -> None:
    """stopped → where it stopped; a commit goes on behind its checkpoint, in line with others."""
    back = S(of.stopped_in or S.UPLOADED)
    to = S.APPROVED if back == S.COMMITTING else back
    _move(of, "resume", to, leaving=(S.STOPPED,), stopped_in="", reason="", problem=None)
    record("import.resumed", of, detail={"at": to, "from_row": of.checkpoint_row})
    work.send(of, PHASES[to])


def cancel(of: Import) -> None:
    """Any that is not at rest, or stopped → cancelled; what is committed stays.

    A worker that is at it learns it at its next chunk, or within a second: the chunk under way
    holds the row's lock, so this waits for it.
    """
    wrote = of.state in WRITING
    _move(
        of,
        "cancel",
        S.CANCELLED,
        leaving=(*(s for s in WORKING if s != S.UNDOING), *ASKING, S.STOPPED),
        stopped_in="",
        turn=of.turn + 1,
    )
    record("import.cancelled", of, detail=_file(of) | {"done": dict(of.done)})
    _let_others_in(of, wrote=wrote)


def begin_undo(of: Import) -> None:
    """completed, stopped, cancelled → undoing. Raises IntegrityError while another one writes.

    One that was begun before goes on where that ended: a chunk is taken back once.
    """
    is_new = of.undo is None
    _move(
        of,
        "undo",
        S.UNDOING,
        leaving=(S.COMPLETED, S.STOPPED, S.CANCELLED),
        stopped_in="",
        reason="",
        problem=None,
        undo_checkpoint=of.checkpoint_chunk if is_new else of.undo_checkpoint,
        undo={"deleted": 0, "restored": 0, "kept": 0} if is_new else of.undo,
    )
    record("import.undo_began", of, detail=_file(of) | {"chunks": of.undo_checkpoint})
    work.send(of, PHASES[S.UNDOING])


def undone(of: Import) -> None:
    """undoing → undone."""
    _move(of, "end the undoing of", S.UNDONE, leaving=(S.UNDOING,))
    record("import.undone", of, detail=_file(of) | {"undo": dict(of.undo or {})})
    _let_others_in(of, wrote=True)


def locked(organization_id: int, import_id: uuid.UUID) -> Import:
    """The import, its row locked until the transaction ends."""
    rows = Import.objects.select_for_update(no_key=True)
    return rows.get(organization_id=organization_id, pk=import_id)


def _move(
    of: Import, wish: str, to: ImportState, *, leaving: tuple[ImportState, ...], **values: Any
) -> None:
    finished = clock.now() if to in AT_REST else None
    values |= {"state": to, "finished_at": finished, "progress": {}, "reports": {}}
    rows = Import.objects.filter(organization_id=of.organization_id, pk=of.pk, state__in=leaving)
    moved = rows.update(**values)
    of.refresh_from_db()
    if not moved:
        raise WrongState(wish, of.state, tuple(str(one.value) for one in leaving))


def in_line(organization_id: int, kind: str) -> None:
    """Wait until whoever ends writing here has ended, until the caller's transaction ends.

    Without it the last moment of one that writes and the first of one that wants to could pass each
    other: this one still sees it writing, that one does not see this one waiting, and nobody is
    left to send this one's job. Taken before the import's row is locked; only the one that writes
    takes it afterwards, and no one can wait for that one's row with the gate in hand.
    """
    with connection.cursor() as cursor:
        name = f"imports {organization_id} {kind}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _let_others_in(of: Import, *, wrote: bool) -> None:
    """Send the job of the import that has waited longest to be committed, if there is one.

    wrote: whether this one held the others up. One that only waited may have been sent a job that
    it does not use now. It passes by whose row is locked: that one ends itself, or begins.
    """
    if wrote:
        in_line(of.organization_id, of.kind)
    waiting = Import.objects.select_for_update(no_key=True, skip_locked=not wrote).filter(
        organization_id=of.organization_id, kind=of.kind, state=S.APPROVED
    )
    following = waiting.exclude(pk=of.pk).order_by("approved_at", "id").first()
    if following is not None:
        work.send(following, PHASES[S.APPROVED])


def _file(of: Import) -> dict[str, Any]:
    return {"file_sha256": of.file_sha256}
