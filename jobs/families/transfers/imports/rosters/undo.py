"""Take a roster's import back: in one transaction, by the same rules as a list.

Invitations that are still open are revoked. A person whose right is as the import wrote it gets
back the one from before, if whoever takes it back may give that: a former owner does not become one
by this either. Everybody else is kept, and listed. A revoked invitation stays revoked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.execution.job import Run
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import issue_log, transitions
from jobs.families.transfers.imports.errors import ImportStopped
from jobs.families.transfers.imports.rosters import journal
from jobs.families.transfers.imports.states import ImportState
from jobs.families.transfers.imports.turn import mine, require_allowed
from jobs.families.transfers.imports.undo import MOST_LISTED, UndoPlan
from jobs.families.transfers.imports.upload import PERMISSIONS
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import, ImportChunk, JournalChange
from tenancy import roster
from tenancy.invitations import mailbox
from tenancy.models import Invitation, InvitationState, Membership, Role
from tenancy.roster import Plan, Wanted


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What undoing it now would do. rows: of all that it changed, by what: the row in the file."""

    chunk: ImportChunk
    found: Plan
    rows: Mapping[tuple[str, int], int]

    @property
    def counts(self) -> dict[str, int]:
        """As `Import.undo`."""
        deleted = self.found.counts["revoked"]
        restored = len(self.found.allowed) - deleted
        kept = len(self.rows) - deleted - restored
        return {"deleted": deleted, "restored": restored, "kept": kept}

    @property
    def kept(self) -> list[Issue]:
        """One for each that stays, in the order of the file; those it did not list at row 0."""
        done = {_key(step.row) for step in self.found.allowed if step.row is not None}
        kept = sorted((row, key) for key, row in self.rows.items() if key not in done)
        return [_kept(row, key) for row, key in kept]


def plan_undo(of: Import) -> UndoPlan:
    """Whom undoing it now would uninvite, restore and keep; in the caller's transaction."""
    found = _look(of)
    kept = [one.as_json() for one in found.kept[:MOST_LISTED]]
    return UndoPlan(counts=found.counts, kept=kept)


def undo(run: Run[ImportWork], of: Import) -> None:
    """All of it. Raises ImportStopped where seats are missing, Superseded and LeaseLost."""
    with run.settling():
        of = mine(run, ImportState.UNDOING)
        require_allowed(run, PERMISSIONS[of.kind])
        found = _look(of)
        if found.found.seats.are_short:
            raise ImportStopped(_no_seats(found.found))
        steps = roster.carry_out(found.found)
        issue_log.insert(of, (one.as_json() for one in found.kept))
        of.undo, of.undo_checkpoint = found.counts, 0
        of.save(update_fields=["undo", "undo_checkpoint"])
        chunk = journal.write_undo(run, of, steps, found.chunk, found.counts)
        journal.tell("import.chunk_undone", of, chunk, **found.counts)
        transitions.undone(of)


def _look(of: Import) -> TakenBack:
    mine = {"organization_id": of.organization_id}
    chunk = ImportChunk.objects.get(**mine, of_import=of, is_undo=False, number=journal.CHUNK)
    changes = list(JournalChange.objects.filter(**mine, import_id=of.pk, chunk=journal.CHUNK))
    pending = Invitation.objects.filter(
        **mine, pk__in=chunk.added_ids, state=InvitationState.PENDING
    )
    wanted = {one.email: Wanted(email=one.email, active=False) for one in pending}
    members = Membership.objects.filter(**mine, pk__in=[one.entity_id for one in changes])
    now = {one.pk: one for one in members.select_related("user")}
    for change in changes:
        member = now.get(change.entity_id)
        if member is not None and _is_untouched(member, change):
            email = mailbox(member.user.email)
            wanted[email] = _as_before(email, change)
    added = zip(chunk.added_ids, chunk.added_rows, strict=True)
    return TakenBack(
        chunk=chunk,
        found=roster.plan(of.organization_id, list(wanted.values())),
        rows={("invitation", pk): row for pk, row in added}
        | {("membership", one.entity_id): one.row or 0 for one in changes},
    )


def _is_untouched(member: Membership, change: JournalChange) -> bool:
    now = journal.digest(member.role, is_active=member.deactivated_at is None)
    return now == bytes(change.digest_after or b"")


def _as_before(email: str, change: JournalChange) -> Wanted:
    return Wanted(email=email, role=Role(change.before["role"]), active=change.before["is_active"])


def _key(row: Membership | Invitation) -> tuple[str, int]:
    return ("invitation" if isinstance(row, Invitation) else "membership", row.pk)


def _kept(row: int, key: tuple[str, int]) -> Issue:
    return Issue(
        level="warn",
        code="kept",
        message="The person has accepted or was changed since, or has a right that you can neither "
        "give nor take. They were kept as they are.",
        row=row,
        detail={key[0]: key[1]},
    )


def _no_seats(found: Plan) -> Issue:
    facts = {"needed": found.seats.needed, "free": found.seats.free}
    return Issue(
        level="file",
        code="seat_limit",
        message="Bringing people back takes {needed} seats, and {free} are free. Nothing was taken "
        "back; make room, and resume.".format(**facts),
        detail=facts,
    )
