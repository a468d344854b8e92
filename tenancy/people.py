"""The rows that give somebody a right in an organization: members, invitations, programs.

`tenancy.access` says what the right is. All are written through `tenancy.changes` only.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from tenancy.entities import Entity


class Role(models.TextChoices):
    """What a member or service account may do: see `tenancy.access`."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class Membership(Entity):
    """A person's right to work in an organization.

    deactivated_at: since when it gives no right at all; it is kept, with its role, and can be
    reactivated. Whoever asks for members asks for those without it.
    """

    audited = ("user_id", "role", "deactivated_at")
    named_changes: ClassVar = {
        "deactivated_at": lambda since: "deactivated" if since else "reactivated",
        "role": "role_changed",
    }

    user = models.ForeignKey("tenancy.User", models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    deactivated_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class InvitationState(models.TextChoices):
    """Only a pending one opens anything, and only until its time is over: no clock moves it on.

    `expired` it becomes when another takes its place.
    """

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Invitation(Entity):
    """A mailbox whose owner may become a member; see `tenancy.invitations`.

    email: as `invitations.mailbox` spells it. invited_by: an actor, who must still be able to give
    the role when it is accepted. token_seed: what the link is derived from, with our secret key.
    """

    audited = ("email", "name", "role", "state", "invited_by", "expires_at")
    personal = ("email", "name")
    named_changes: ClassVar = {"state": str, "token_digest": "renewed", "role": "role_changed"}

    email = models.EmailField("mail address")
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=16, choices=Role, default=Role.VIEWER)
    state = models.CharField(
        max_length=16, choices=InvitationState, default=InvitationState.PENDING, editable=False
    )
    invited_by = models.CharField(max_length=64, editable=False)
    token_seed = models.CharField(max_length=64, editable=False)
    token_digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=models.Q(state="pending"),
                name="invitation_pending_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "token_digest"], name="invitation_token_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state="accepted", accepted_at__isnull=False)
                | (~models.Q(state="accepted") & models.Q(accepted_at=None)),
                name="invitation_accepted_at_if_accepted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"


class ServiceAccount(Entity):
    """A program's right to use the API of one organization; its token is kept as a digest only."""

    audited = ("name", "role", "token_hint", "disabled_at")

    name = models.CharField(max_length=200)
    role = models.CharField(max_length=16, choices=Role, default=Role.EDITOR)
    token_digest = models.CharField(max_length=64, editable=False)
    token_hint = models.CharField(max_length=16, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "token_digest"], name="serviceaccount_token_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
