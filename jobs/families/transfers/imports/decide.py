"""What a person decides about an import: each asked for, checked, and followed by its arrow.

In the caller's scope, each in a transaction of its own or the caller's, and in the name of who acts
now. Raises AccessDenied, WrongState where the import's state does not allow it, and what each says.
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from jobs.families.transfers.imports import removals, transitions
from jobs.families.transfers.imports.errors import NotApprovable, NotUndoable, WrongState
from jobs.families.transfers.imports.rosters import approval as rosters
from jobs.families.transfers.imports.rosters import undo as rosters_undo
from jobs.families.transfers.imports.states import WRITING, ImportState
from jobs.families.transfers.imports.undo import UndoPlan
from jobs.families.transfers.imports.undo import plan_undo as plan
from jobs.families.transfers.imports.upload import PERMISSIONS
from jobs.families.transfers.models import Import, ImportKind
from jobs.families.transfers.rules.choices import Choices
from tenancy import clock
from tenancy.access import require
from tenancy.acting import current

UNDO_FOR = timedelta(days=30)


def choose(of: Import, choices: Mapping[str, Any]) -> Import:
    """Decide how the file is read and mapped; it is checked again under these choices.

    Raises InvalidChoice.
    """
    with transaction.atomic():
        of = _asked(of)
        decided = Choices.from_json({**choices, "kind": of.kind})
        transitions.choose(of, decided.as_json())
        return of


def approve(
    of: Import,
    *,
    confirm_errors: bool = False,
    again: bool = False,
    confirm_removals: int | None = None,
) -> Import:
    """Have the plan committed as it stands.

    confirm_errors: yes, although many rows fail. again: yes, although a completed import had the
    same bytes. confirm_removals: how many people or entries it would remove, where they are many.
    Raises NotApprovable, whose code says what is to be confirmed, or that nothing is.
    """
    with transaction.atomic():
        of = _asked(of)
        if of.state != ImportState.VALIDATED:
            raise WrongState("approve", of.state, (ImportState.VALIDATED,))
        confirmed = require_approvable(of, confirm_errors=confirm_errors, again=again)
        if of.kind == ImportKind.ROSTER:
            rosters.require_approvable(of)
        mode = of.choices.get("mode", "update")
        confirmed += removals.require_confirmed(of.plan or {}, mode, confirm_removals)
        transitions.approve(of, confirmed=confirmed)
        return of


def cancel(of: Import) -> Import:
    """End it; what is committed stays. Cancelling a cancelled one changes nothing."""
    with transaction.atomic():
        of = _asked(of)
        if of.state != ImportState.CANCELLED:
            transitions.cancel(of)
        return of


def resume(of: Import) -> Import:
    """Go on where it stopped, in the name of who acts now."""
    with transaction.atomic():
        of = _asked(of)
        of.actor_id = str(current().actor)
        Import.objects.filter(organization_id=of.organization_id, pk=of.pk).update(
            actor_id=of.actor_id
        )
        transitions.resume(of)
        return of


def undo(of: Import) -> Import:
    """Take back what it changed and nobody has touched since. Raises NotUndoable."""
    with transaction.atomic():
        of = _asked(of)
        require_undoable(of)
        of.actor_id = str(current().actor)
        Import.objects.filter(organization_id=of.organization_id, pk=of.pk).update(
            actor_id=of.actor_id
        )
        transitions.begin_undo(of)
        return of


def plan_undo(of: Import) -> UndoPlan:
    """What `undo` would do now; writes nothing. Raises NotUndoable, as it would."""
    with transaction.atomic():
        require(current().actor, PERMISSIONS[of.kind], of.organization_id)
        require_undoable(of)
        return rosters_undo.plan_undo(of) if of.kind == ImportKind.ROSTER else plan(of)


def require_undoable(of: Import) -> None:
    """Raise NotUndoable, or WrongState, unless it can be taken back now."""
    wanted = (ImportState.COMPLETED, ImportState.STOPPED, ImportState.CANCELLED)
    if of.state not in wanted:
        raise WrongState("undo", of.state, wanted)
    if not of.checkpoint_chunk:
        raise NotUndoable("nothing_committed", "It changed nothing, so there is nothing to undo.")
    if of.finished_at and clock.now() - of.finished_at > UNDO_FOR:
        raise NotUndoable(
            "too_late",
            f"It ended more than {UNDO_FOR.days} days ago, and can be undone no longer.",
            limit=UNDO_FOR.days,
        )
    others = Import.objects.filter(
        organization_id=of.organization_id, kind=of.kind, state__in=WRITING
    )
    if others.exists():
        raise NotUndoable(
            "another_writes",
            "Another import of this organization is being committed or undone. Wait for its end.",
        )


def require_approvable(
    of: Import, *, confirm_errors: bool = False, again: bool = False
) -> list[str]:
    """Raise NotApprovable unless the plan may be committed; returns what had to be confirmed."""
    plan = of.plan or {}
    rows, failed = plan["rows"], plan["failed"]
    confirmed = []
    if failed and of.choices.get("acceptance") == "all_rows":
        raise NotApprovable(
            "errors_not_allowed",
            f"{failed:,} of {rows:,} rows have errors, and this import takes all rows or none. "
            "Correct them and upload the file again.",
            found=failed,
            rows=rows,
        )
    if failed * 100 > rows * settings.IMPORTS_MAX_BAD_PERCENT:
        if not confirm_errors:
            raise NotApprovable(
                "too_many_errors",
                f"{failed:,} of {rows:,} rows have errors, more than "
                f"{settings.IMPORTS_MAX_BAD_PERCENT} %. Is the mapping right? Confirm it if so.",
                found=failed,
                rows=rows,
                limit_percent=settings.IMPORTS_MAX_BAD_PERCENT,
            )
        confirmed.append("too_many_errors")
    if of.same_as:
        if not again:
            raise NotApprovable(
                "same_as_before",
                "A completed import had the same file. Confirm that it is to be imported again.",
                same_as=str(of.same_as),
            )
        confirmed.append("same_as_before")
    return confirmed


def _asked(of: Import) -> Import:
    require(current().actor, PERMISSIONS[of.kind], of.organization_id)
    return transitions.locked(of.organization_id, uuid.UUID(str(of.pk)))
