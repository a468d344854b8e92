"""The people of an organization as a list says they should be: what an import of a roster calls.

    with scope(organization), transaction.atomic():
        found = roster.plan(organization.pk, wanted, sync=False)
        …                               # show it, or compare it with what was approved
        roster.carry_out(found)         # in the same transaction

`plan` writes nothing, and holds the lock on the organization's members until the transaction ends,
so that what it found is still so when it is carried out. What a list may do is less than what the
pages may: nobody becomes owner by it. Who is not known here is invited, without a look at whether
the address has an account elsewhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenancy import changes, clock, invitations
from tenancy.models import (
    Invitation,
    InvitationState,
    Membership,
    Organization,
    Role,
    ServiceAccount,
)
from tenancy.rules import Breach, Deed, Seats, Step, judge, lock_members, open_invitations, seats

__all__ = ["Breach", "Deed", "Plan", "Step", "Wanted", "carry_out", "plan"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One line of the list.

    email: as `invitations.mailbox` spells it. name: of somebody to be invited. role: None leaves it
    as it is, and invites as viewer. active: None leaves it as it is, and invites.
    """

    email: str
    name: str = ""
    role: Role | None = None
    active: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the list changes.

    steps: one per person whom it changes, listed or, with `sync`, left out; refused ones too.
    unchanged: the addresses that it leaves as they are. breaches: what speaks against whom, by
    address; of several for one person, all. people: how many active members and open invitations
    there are. seats: what the steps that are not refused would take.
    """

    organization_id: int
    steps: Sequence[Step]
    unchanged: Sequence[str]
    breaches: Mapping[str, Sequence[Breach]]
    people: int
    seats: Seats

    @property
    def allowed(self) -> list[Step]:
        """The steps that nothing speaks against."""
        return [step for step in self.steps if not step.breaches]

    @property
    def counts(self) -> Counter[Deed]:
        """How many of the allowed steps do what."""
        return Counter(step.deed for step in self.allowed)

    @property
    def removals(self) -> list[Step]:
        """The allowed steps that take a person's right, or the way to one."""
        return [step for step in self.allowed if step.deed in ("deactivated", "revoked")]


def plan(organization_id: int, wanted: Sequence[Wanted], *, sync: bool = False) -> Plan:
    """What the list changes, and what speaks against it.

    sync: who is not listed is deactivated, or their invitation revoked. Raises ValueError for an
    address that is listed twice: which of the two holds, only the reader of the list can tell.
    """
    organization = lock_members(organization_id)
    known = _known(organization)
    services = _services(organization)
    by_email = {one.email: one for one in wanted}
    if len(by_email) != len(wanted):
        raise ValueError(f"{len(wanted) - len(by_email)} addresses of the list stand in it twice")
    refused: dict[str, Sequence[Breach]] = {
        email: [Breach.SERVICE_ACCOUNT] for email in services & by_email.keys() - known.keys()
    }
    listed = [_step(one, known.get(one.email)) for one in wanted if one.email not in refused]
    missing = [
        _step(Wanted(email=email, active=False), row)
        for email, row in known.items()
        if sync and email not in by_email
    ]
    steps = [step for step in (*listed, *missing) if step.deed != "unchanged"]
    judge(organization_id, steps, owner_grantable=False)
    _refuse_suspended(step for step in steps if step.email in by_email)
    refused |= {step.email: step.breaches for step in steps if step.breaches}
    taken = seats(organization, [step for step in steps if not step.breaches])
    return Plan(
        organization_id=organization_id,
        steps=steps,
        unchanged=[step.email for step in listed if step.deed == "unchanged"],
        breaches=refused,
        people=taken.used,
        seats=taken,
    )


def carry_out(found: Plan) -> list[Step]:
    """Do what the plan of this transaction allows: one audit event per person; returns it.

    Each step keeps its row as it was, and has its invitation where one was made. Raises NoSeats
    when there are too few, and has done nothing then.
    """
    found.seats.require()
    steps = found.allowed
    now = clock.now()
    alike: dict[tuple[Any, ...], list[Membership | Invitation]] = defaultdict(list)
    for step in steps:
        if step.deed != "invited" and step.row is not None:
            alike[type(step.row), *_values(step, now).items()].append(step.row)
    for (_, *values), rows in alike.items():
        changes.update_many(rows, **dict(values))
    _invite(found.organization_id, [step for step in steps if step.deed == "invited"])
    return steps


def _known(organization: Organization) -> dict[str, Membership | Invitation]:
    """Everybody who is here or on their way, by address; a member's own goes before."""
    rows: list[Membership | Invitation] = [
        *open_invitations(organization.pk),
        *Membership.objects.filter(organization_id=organization.pk).select_related("user"),
    ]
    return {_email(row): row for row in rows}


def _email(row: Membership | Invitation) -> str:
    return row.email if isinstance(row, Invitation) else invitations.mailbox(row.user.email)


def _services(organization: Organization) -> set[str]:
    """Service accounts have no address, but some are called by one."""
    accounts = ServiceAccount.objects.filter(organization_id=organization.pk, disabled_at=None)
    return {invitations.mailbox(name) for name in accounts.values_list("name", flat=True)}


def _step(wanted: Wanted, row: Membership | Invitation | None) -> Step:
    is_deactivated = isinstance(row, Membership) and row.deactivated_at is not None
    return Step(
        email=wanted.email,
        name=wanted.name,
        row=row,
        was_active=row is not None and not is_deactivated,
        role=wanted.role or (row.role if row else Role.VIEWER),
        active=not is_deactivated if wanted.active is None else wanted.active,
    )


def _refuse_suspended(listed: Iterable[Step]) -> None:
    for step in listed:
        if isinstance(step.row, Membership) and not step.row.user.is_active:
            step.breaches.append(Breach.PERSON_SUSPENDED)


def _invite(organization_id: int, steps: Sequence[Step]) -> None:
    invited = [
        invitations.Invited(email=step.email, name=step.name, role=step.role) for step in steps
    ]
    for step, row in zip(steps, invitations.invite_many(organization_id, invited), strict=True):
        step.invited = row


def _values(step: Step, now: Any) -> dict[str, Any]:
    """What is written of a known person; the same for all whose step is alike."""
    match step.deed:
        case "revoked":
            return {"state": InvitationState.REVOKED}
        case "deactivated":
            return {"deactivated_at": now, "role": step.role}
        case "reactivated":
            return {"deactivated_at": None, "role": step.role}
    return {"role": step.role}
