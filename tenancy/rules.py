"""What may become of the people of an organization, however many at once.

A `Step` is what becomes of one person. `judge` writes to each what speaks against it: every breach,
and all of them counted over the whole, so that two steps which are harmless one by one do not leave
an organization without an owner. `Seats` counts what a set of steps would take.

Both hold only as long as nobody else changes members meanwhile: `lock_members` comes first.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from django.db.models import Q, QuerySet

from tenancy import clock
from tenancy.access import ROLES, Permission, permissions_of
from tenancy.acting import Actor, current
from tenancy.errors import NoSeats
from tenancy.models import Invitation, InvitationState, Membership, Organization, Role

RANKS = (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)

Deed = Literal["invited", "revoked", "role_changed", "deactivated", "reactivated", "unchanged"]


class Breach(StrEnum):
    """What speaks against a step; the words are those of an import's report."""

    LAST_OWNER = "last_owner"
    SELF_CHANGE = "self_change"
    ROLE_NOT_GRANTABLE = "role_not_grantable"
    PERSON_SUSPENDED = "person_suspended"
    SERVICE_ACCOUNT = "service_account"

    @property
    def text(self) -> str:
        """The same for people."""
        return _TEXTS[self]


_TEXTS = {
    Breach.LAST_OWNER: (
        "An organization keeps at least one owner who can sign in. Make somebody else owner first."
    ),
    Breach.SELF_CHANGE: (
        "Nobody takes rights from themselves: they might not get them back. Ask somebody else."
    ),
    Breach.ROLE_NOT_GRANTABLE: (
        "You can neither give nor take this role: it is above your own, or the role owner, which "
        "is given on the page of members only."
    ),
    Breach.PERSON_SUSPENDED: "The site has closed this person's account, so nothing changes in it.",
    Breach.SERVICE_ACCOUNT: "This is the name of a service account, which has a page of its own.",
}


@dataclass(kw_only=True)
class Step:
    """What becomes of one person.

    row: their membership or open invitation as it was; None for somebody to be invited, whose
    invitation is `invited` once that is done. was_active: whether it gave a right, or the way to
    one. role, active: how it shall be; inactive is deactivated, or revoked.
    """

    email: str
    name: str = ""
    row: Membership | Invitation | None
    was_active: bool
    role: str
    active: bool
    breaches: list[Breach] = field(default_factory=list)
    invited: Invitation | None = None

    @property
    def deed(self) -> Deed:
        """What is done."""
        if self.row is None:
            return "invited" if self.active else "unchanged"
        if self.active != self.was_active:
            if self.active:
                return "reactivated"
            return "revoked" if isinstance(self.row, Invitation) else "deactivated"
        return "unchanged" if self.role == self.row.role else "role_changed"

    @property
    def roles(self) -> set[str]:
        """The roles that are given or taken."""
        return {self.role} | ({self.row.role} if self.row else set())

    @property
    def was_owner(self) -> bool:
        """Whether the person was an owner who could act."""
        return self.was_active and _is_owner(self.row, self.row.role if self.row else "")

    @property
    def is_owner(self) -> bool:
        """Whether the person will be."""
        return self.active and _is_owner(self.row, self.role)

    @property
    def gives_owner(self) -> bool:
        """Whether anybody becomes owner by it, or will on accepting."""
        had = self.was_active and self.row is not None and self.row.role == Role.OWNER
        return self.active and self.role == Role.OWNER and not had


@dataclass(frozen=True, kw_only=True)
class Seats:
    """The seats of an organization. limit: None for no limit. used: now. needed: besides."""

    limit: int | None
    used: int
    needed: int

    @property
    def free(self) -> int | None:
        """How many are left now; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def are_short(self) -> bool:
        """Whether more are needed than there are. To need none is never too many."""
        return self.free is not None and self.needed > 0 and self.needed > self.free

    def require(self) -> None:
        """Raise NoSeats if they are short."""
        if self.are_short:
            raise NoSeats(self.needed, self.free or 0)


def lock_members(organization_id: int) -> Organization:
    """Let nobody else change who belongs to the organization, until this transaction ends.

    Two owners who remove each other at once would each see one left. References to the organization
    (every new row of it) do not wait for this lock.
    """
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def grantable(organization_id: int, actor: Actor | None = None) -> list[Role]:
    """The roles that whoever acts may give: those whose every permission they hold themselves."""
    held = permissions_of(actor or current().actor, organization_id)
    return [role for role in RANKS if ROLES[role] <= held and Permission.MEMBER_MANAGE in held]


def judge(organization_id: int, steps: Sequence[Step], *, owner_grantable: bool) -> None:
    """Write to each step what speaks against it.

    owner_grantable: whether somebody may become owner, if the actor's own role allows it.
    """
    allowed = set(grantable(organization_id))
    myself = current().actor.id if current().actor.kind == "user" else None
    for step in steps:
        if isinstance(step.row, Membership) and step.row.user_id == myself:
            step.breaches.append(Breach.SELF_CHANGE)
        if not step.roles <= allowed or (step.gives_owner and not owner_grantable):
            step.breaches.append(Breach.ROLE_NOT_GRANTABLE)
    _keep_an_owner(organization_id, steps)


def seats(organization: Organization, steps: Iterable[Step] = ()) -> Seats:
    """How many seats are used, and how many more the steps take."""
    used = active_members(organization.pk).count() + open_invitations(organization.pk).count()
    needed = sum(step.active - step.was_active for step in steps)
    return Seats(limit=organization.seat_limit, used=used, needed=needed)


def active_members(organization_id: int) -> QuerySet[Membership]:
    """Memberships that give a right."""
    return Membership.objects.filter(organization_id=organization_id, deactivated_at=None)


def open_invitations(organization_id: int) -> QuerySet[Invitation]:
    """Invitations that can be accepted still: in time, by whoever may give their role to this day.

    So nobody leaves a door open behind them.
    """
    pending = Invitation.objects.filter(
        organization_id=organization_id,
        state=InvitationState.PENDING,
        expires_at__gt=clock.now(),
    )
    worth = Q(pk__in=[])
    for inviter in pending.order_by().values_list("invited_by", flat=True).distinct():
        roles = grantable(organization_id, Actor.parse(inviter))
        worth |= Q(invited_by=inviter, role__in=roles)
    return pending.filter(worth)


def _keep_an_owner(organization_id: int, steps: Sequence[Step]) -> None:
    taking = [step for step in steps if step.was_owner and not step.is_owner]
    if not taking:
        return
    owners = set(
        active_members(organization_id)
        .filter(role=Role.OWNER, user__is_active=True)
        .values_list("pk", flat=True)
    )
    # Counted over all, and over what is left when the refused ones are not done: one who was to
    # become owner may be among those.
    done = [step for step in steps if not step.breaches]
    if not (_owners_after(owners, steps) and _owners_after(owners, done)):
        for step in taking:
            step.breaches.append(Breach.LAST_OWNER)


def _owners_after(owners: Set[int], steps: Iterable[Step]) -> Set[int]:
    touched = {step.row.pk: step.is_owner for step in steps if isinstance(step.row, Membership)}
    kept = {pk for pk in owners if touched.get(pk, True)}
    return kept | {pk for pk, is_owner in touched.items() if is_owner}


def _is_owner(row: Membership | Invitation | None, role: str) -> bool:
    return isinstance(row, Membership) and role == Role.OWNER and row.user.is_active
