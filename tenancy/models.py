"""The domain: organizations, the projects and missions they own, and with `people` who is in them.

Rows of every table here but `User` belong to one organization and are fenced by `tenancy.rls`.
Entities (projects, missions, and what hangs on them) are written through `tenancy.changes` only;
saving one directly raises `UnrecordedWrite`.
"""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Now

from tenancy.entities import Entity, Recorded, TenantModel
from tenancy.people import Invitation, InvitationState, Membership, Role, ServiceAccount
from tenancy.rls import TenantForeignKey

__all__ = [
    "Assignment",
    "Collaborator",
    "DomainEvent",
    "Invitation",
    "InvitationState",
    "Membership",
    "Mission",
    "Organization",
    "Project",
    "Role",
    "ServiceAccount",
    "TenantModel",
    "TimelineEntry",
    "User",
]

SITE_ORGANIZATION_ID = 0
"""The reserved organization whose audit log holds what operators do across organizations."""


class UserManagerByMail(UserManager["User"]):
    """Finds people by their mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person with this mail address. Raises User.DoesNotExist."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **more: Any) -> "User":  # type: ignore[override]
        """A person who can sign in; with no password, only once one is set."""
        person = self.model(email=self.normalize_email(email), **more)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **more: Any) -> "User":  # type: ignore[override]
        """An operator of the site."""
        return self.create_user(email, password, **{**more, "is_superuser": True, "is_staff": True})


class User(AbstractUser):
    """A person who signs in; what they may do follows from their memberships.

    A superuser is an operator of the whole site, and needs no membership.
    """

    username = None  # type: ignore[assignment]
    email = models.EmailField("mail address", unique=True)
    name = models.CharField(max_length=200, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManagerByMail()  # type: ignore[misc]

    @property
    def is_operator(self) -> bool:
        """Whether this person runs the site."""
        return self.is_active and self.is_superuser

    def get_full_name(self) -> str:
        """The name that pages show."""
        return self.name or self.email

    def __str__(self) -> str:
        return self.get_full_name()


class OrganizationState(models.TextChoices):
    """`suspended`: nothing of it runs or changes until it is active again."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Organization(Recorded):
    """A customer of the product; everything belongs to one."""

    is_tenant: ClassVar[bool] = True
    limits: ClassVar[tuple[str, ...]] = (
        "seat_limit",
        "import_bytes_limit",
        "import_rows_limit",
        "imports_waiting_limit",
    )
    """What the site sells, and the organization itself cannot change."""
    audited = ("name", "slug", "state", "time_zone", "locale", *limits)

    name = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    state = models.CharField(
        max_length=16, choices=OrganizationState, default=OrganizationState.ACTIVE
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    locale = models.CharField(max_length=16, default="en")
    seat_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Active members and open invitations; empty for no limit."
    )
    import_bytes_limit = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Bytes of a file to import, where fewer than the site takes.",
    )
    import_rows_limit = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Rows of a timeline's file; empty for 10,000,000. A roster has 50,000 at most.",
    )
    imports_waiting_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Imports that may wait for a worker at once; empty for the limit of the site.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def organization_id(self) -> int:
        """Itself: its row is its own, and what happens to it is in its own log."""
        return self.pk

    @property
    def is_active(self) -> bool:
        """Whether its work may run."""
        return self.state == OrganizationState.ACTIVE


class ProjectState(models.TextChoices):
    """An archived project is kept to read."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class Project(Entity):
    """What an organization works on; owns missions."""

    audited = ("code", "name", "state")

    code = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=ProjectState, default=ProjectState.ACTIVE)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["organization", "code"], name="project_code_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Collaborator(Entity):
    """A person on an organization's roster: assigned to missions, notified of what happens.

    Not necessarily somebody who signs in; `user` is set for those who do.
    """

    class Status(models.TextChoices):
        """Only active ones are notified."""

        INVITED = "invited"
        ACTIVE = "active"
        INACTIVE = "inactive"

    audited = ("email", "name", "role", "status", "user_id")
    personal = ("email", "name")

    email = models.EmailField("mail address")
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    user = models.ForeignKey("tenancy.User", models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["organization", "email"], name="collaborator_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class MissionState(models.TextChoices):
    """Where a mission stands."""

    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Mission(Entity):
    """A piece of work inside a project, with a timeline and people assigned to it."""

    audited = ("project_id", "reference", "title", "description", "state", "starts_at", "ends_at")

    project = TenantForeignKey(Project, models.PROTECT, related_name="missions")
    reference = models.CharField(max_length=64)
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=MissionState, default=MissionState.PLANNED)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "reference"], name="mission_reference_once"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("starts_at"))
                | models.Q(ends_at=None)
                | models.Q(starts_at=None),
                name="mission_ends_after_it_starts",
                violation_error_message="A mission cannot end before it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"


class TimelineEntry(Entity):
    """One dated entry of a mission's timeline."""

    audited = (
        "mission_id",
        "external_id",
        "kind",
        "title",
        "starts_at",
        "ends_at",
        "location",
        "notes",
    )

    mission = TenantForeignKey(Mission, models.CASCADE, related_name="timeline")
    external_id = models.CharField(max_length=128, null=True, blank=True)
    kind = models.CharField(max_length=32, default="note")
    title = models.CharField(max_length=300)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    location = models.CharField(max_length=300, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "timeline entries"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "external_id"], name="timelineentry_external_id_once"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Assignment(Entity):
    """A collaborator's part in a mission."""

    audited = ("mission_id", "collaborator_id", "role")

    mission = TenantForeignKey(Mission, models.CASCADE, related_name="assignments")
    collaborator = TenantForeignKey(Collaborator, models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "mission", "collaborator"], name="assignment_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collaborator.name} on {self.mission.reference}"


class DomainEvent(TenantModel):
    """What happened to an entity, with the data that templates render; `changes` writes it."""

    event_type = models.CharField(max_length=64)
    project = TenantForeignKey(Project, models.PROTECT, null=True, related_name="+")
    # No reference: an event outlives the mission that it is about.
    mission_id = models.BigIntegerField(null=True)
    entity_type = models.CharField(max_length=32)
    entity_id = models.BigIntegerField()
    data = models.JSONField()
    actor_id = models.CharField(max_length=64)
    correlation_id = models.CharField(max_length=128)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-id",)
        indexes: ClassVar[list[Any]] = [
            # the preview: the last real events of a type
            models.Index(fields=["organization", "event_type", "-id"], name="domainevent_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} #{self.pk}"
