"""A roster's file beside who is there now: what it would change, and what speaks against it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jobs.families.notifications.models import SuppressedAddress, SuppressionCause
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import removals
from jobs.families.transfers.imports.rosters.people import People, Row
from jobs.families.transfers.models import Import
from tenancy import roster
from tenancy.roster import Breach, Plan, Step

_OF_THE_MAIL = (Breach.PERSON_SUSPENDED, Breach.SERVICE_ACCOUNT)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was found, under the lock of `tenancy.roster.plan`.

    plan: as `Import.plan` keeps it. of_rows: issues in the order of the file, those of reading
    included. of_file: issues at row 0. failed: the rows that are left out.
    """

    found: Plan
    plan: dict[str, Any]
    of_rows: list[Issue]
    of_file: list[Issue]
    failed: set[int]


def judge(of: Import, people: People) -> Judged:
    """In the name of who acts, in the caller's transaction; writes nothing.

    Whom the file leaves out is known only once every row of it can be read: until then nobody is
    removed.
    """
    is_sync = of.choices["mode"] == "sync" and not people.failed
    wanted = [row.wanted for row in people.listed.values()]
    found = roster.plan(of.organization_id, wanted, sync=is_sync)
    refused = [row for key, row in people.listed.items() if key in found.breaches]
    failed = people.failed | {row.row for row in refused}
    issues = [*people.issues, *_refused(people, found, refused), *_suppressed(people, found)]
    plan = _counts(people, found) | {"failed": len(failed), "people": found.people}
    return Judged(
        found=found,
        plan=plan | {"changes_sha256": _digest(found)},
        of_rows=sorted(issues, key=lambda one: one.row or 0),
        of_file=[*_of_plan(people, found, plan), *_left_out(people, found)],
        failed=failed,
    )


def _counts(people: People, found: Plan) -> dict[str, Any]:
    """The outcomes sum to the rows of the file, but for what is removed."""
    listed = [step for step in found.allowed if step.email in people.listed]
    added = sum(step.deed == "invited" for step in listed)
    return {
        "rows": people.rows,
        "blank": people.blank,
        "added": added,
        "changed": len(listed) - added,
        "unchanged": len(found.unchanged),
        "removed": len(found.allowed) - len(listed),
        "skipped": len(people.same),
    }


def _digest(found: Plan) -> str:
    """Over all that a person approves by name: rights that are taken or changed, and refusals.

    Who is invited is not in it: one who was invited meanwhile by somebody else is no surprise.
    """
    lines = [
        f"{step.email} {step.deed} {step.row.role} {step.role}"
        for step in found.allowed
        if step.row is not None
    ]
    lines += [f"{email} {' '.join(codes)}" for email, codes in found.breaches.items()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _refused(people: People, found: Plan, rows: Iterable[Row]) -> Iterator[Issue]:
    steps = {step.email: step for step in found.steps}
    for row in rows:
        for breach in found.breaches[row.key]:
            yield Issue(
                level="row",
                code=breach,
                message=breach.text,
                row=row.row,
                line=row.line,
                value=row.mail,
                **people.namer.place(_field(breach, steps.get(row.key))),
            )


def _field(breach: Breach, step: Step | None) -> str:
    if breach in _OF_THE_MAIL or step is None:
        return "mail"
    is_about_role = breach == Breach.ROLE_NOT_GRANTABLE or step.active == step.was_active
    return "role" if is_about_role else "status"


def _suppressed(people: People, found: Plan) -> Iterator[Issue]:
    """Those to be invited whom no mail would reach."""
    invited = [step.email for step in found.allowed if step.deed == "invited"]
    dead = SuppressedAddress.objects.filter(
        organization_id=found.organization_id, address__in=invited
    ).exclude(cause=SuppressionCause.UNSUBSCRIBED)
    for email in dead.values_list("address", flat=True):
        row = people.listed[email]
        yield Issue(
            level="warn",
            code="address_suppressed",
            message="Mails to this address come back or are blocked, so the invitation will not "
            "arrive. Check the address.",
            row=row.row,
            line=row.line,
            value=row.mail,
            **people.namer.place("mail"),
        )


def _of_plan(people: People, found: Plan, plan: dict[str, Any]) -> Iterator[Issue]:
    if removals.are_many(plan):
        yield removals.warning(plan)
    if found.seats.are_short:
        yield Issue(
            level="file",
            code="seat_limit",
            message=f"The file takes {found.seats.needed:,} more seats, and "
            f"{found.seats.free:,} are free. Invite fewer people, or ask for more seats.",
            row=0,
            detail={"needed": found.seats.needed, "free": found.seats.free},
        )


def _left_out(people: People, found: Plan) -> Iterator[Issue]:
    """Each person whom `sync` would remove, by name, and each whom it must not."""
    for step in found.steps:
        if step.email in people.listed:
            continue
        for breach in step.breaches:
            yield Issue(
                level="file",
                code=breach,
                message=f"{step.email} is not in the file. {breach.text}",
                row=0,
                value=step.email,
            )
        if not step.breaches:
            yield Issue(
                level="warn",
                code="not_listed",
                message="The file leaves this person out: their membership is deactivated, or "
                "their invitation revoked.",
                row=0,
                value=step.email,
                detail={"deed": step.deed, "role": step.role},
            )
