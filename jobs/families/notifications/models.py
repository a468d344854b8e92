"""The tables of the family.

`Endpoint`, `Subscription` and `SuppressedAddress` are entities: people set them up, so they are
written through `tenancy.changes` and every write is audited. `Delivery` and `DeliveryAttempt` are
what the jobs of this family leave behind, and outlive those jobs.
"""

import os
import time
import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from templates.models import TemplateVersion
from tenancy.entities import Entity, TenantModel
from tenancy.models import Collaborator, DomainEvent, Project
from tenancy.rls import TenantForeignKey


class EndpointState(models.TextChoices):
    """A disabled endpoint is kept and can be enabled; a deleted one only names its deliveries."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class Endpoint(Entity):
    """An address of an organization that hears of events by webhook.

    event_types: names from the catalogue. secret, previous_secret: encrypted, see
    `webhooks.secrets`; the previous one signs too until `previous_until`.
    """

    audited = ("name", "url", "event_types", "state", "state_reason", "previous_until")
    named_changes: ClassVar = {"secret": "secret_rotated"}

    name = models.CharField(max_length=200)
    url = models.CharField(max_length=2048)
    event_types = models.JSONField(default=list)
    state = models.CharField(
        max_length=16, choices=EndpointState, default=EndpointState.ACTIVE, editable=False
    )
    state_reason = models.CharField(max_length=200, blank=True, default="", editable=False)
    secret = models.BinaryField(editable=False)
    previous_secret = models.BinaryField(null=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(previous_secret__isnull=True, previous_until__isnull=True)
                | Q(previous_secret__isnull=False, previous_until__isnull=False),
                name="endpoint_previous_secret_has_an_end",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # fan-out: the endpoints of an organization that hear anything
            models.Index(
                fields=["organization"], name="endpoint_listening", condition=~Q(state="deleted")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(Entity):
    """What a person on the roster wants to hear beside their own missions, or does not.

    project: only of this project; empty for all. muted: not by mail, though assigned to it.
    """

    audited = ("collaborator_id", "event_type", "project_id", "muted")

    collaborator = TenantForeignKey(Collaborator, models.CASCADE, related_name="subscriptions")
    event_type = models.CharField(max_length=64)
    project = TenantForeignKey(
        Project, models.CASCADE, null=True, blank=True, related_name="subscriptions"
    )
    muted = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "event_type", "collaborator", "project"],
                nulls_distinct=False,
                name="subscription_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type}{' muted' if self.muted else ''}"


class SuppressionCause(models.TextChoices):
    """Why nothing goes to a mailbox any more."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    BY_HAND = "by_hand"


class SuppressedAddress(Entity):
    """A mailbox that this organization's notifications no longer go to."""

    audited = ("address", "cause")
    personal = ("address",)

    address = models.EmailField()  # lower case
    cause = models.CharField(max_length=16, choices=SuppressionCause)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "suppressed addresses"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "address"], name="suppressedaddress_once"
            ),
        ]

    def __str__(self) -> str:
        return self.address


class Channel(models.TextChoices):
    """How somebody hears of an event."""

    MAIL = "mail"
    WEBHOOK = "webhook"


class DeliveryState(models.TextChoices):
    """`pending` until its job ends; the others are final, and a replayed job reopens `dead`."""

    PENDING = "pending"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    DEAD = "dead"


class Suppressed(models.TextChoices):
    """Why a delivery was not even tried."""

    MUTED = "muted", "The recipient muted this or unsubscribed"
    ADDRESS_SUPPRESSED = "address_suppressed", "The mailbox bounced, complained or was blocked"
    RECIPIENT_INACTIVE = "recipient_inactive", "The recipient is invited or inactive"
    RECIPIENT_REVOKED = "recipient_revoked", "The recipient lost access before it was sent"
    ENDPOINT_DISABLED = "endpoint_disabled", "The endpoint was disabled"
    NO_TEMPLATE = "no_template", "There is no template for this event and channel"


def uuid7() -> uuid.UUID:
    """A UUID that sorts by time (RFC 9562 §5.7); Python brings one from 3.14 on."""
    random = int.from_bytes(os.urandom(10))
    stamp = (time.time_ns() // 1_000_000) << 80
    value = stamp | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | (random & (1 << 62) - 1)
    return uuid.UUID(int=value)


class Delivery(TenantModel):
    """One event on its way to one recipient by one channel; its id is the effect id.

    The id goes out as `Message-ID` or `webhook-id`, the same on every attempt. recipient: as
    `collaborator:7` or `endpoint:3`; mailbox: of a mail, as it was at fan-out. job_id names no
    reference: a delivery outlives its job. reason: why it is suppressed or dead. template_version:
    the version that was rendered, empty for the system's default; template_fallback: why the
    default was sent although there is a version.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = TenantForeignKey(DomainEvent, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=16, choices=Channel)
    collaborator = TenantForeignKey(
        Collaborator, models.SET_NULL, null=True, related_name="deliveries"
    )
    endpoint = TenantForeignKey(Endpoint, models.PROTECT, null=True, related_name="deliveries")
    recipient = models.CharField(max_length=64)
    mailbox = models.EmailField(blank=True, default="")
    job_id = models.UUIDField(null=True)
    state = models.CharField(max_length=16, choices=DeliveryState, default=DeliveryState.PENDING)
    reason = models.CharField(max_length=64, blank=True, default="")
    template_version = TenantForeignKey(
        TemplateVersion, models.PROTECT, null=True, related_name="deliveries"
    )
    template_fallback = models.CharField(max_length=32, blank=True, default="")
    unsubscribe_digest = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "event", "channel", "recipient"], name="delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(channel="mail", endpoint__isnull=True)
                | Q(channel="webhook", endpoint__isnull=False, collaborator__isnull=True),
                name="delivery_has_the_recipient_of_its_channel",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", settled_at__isnull=True)
                | (~Q(state="pending") & Q(settled_at__isnull=False)),
                name="delivery_is_final_exactly_when_settled",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=["suppressed", "dead"]) & ~Q(reason=""))
                | Q(state__in=["pending", "sent"], reason=""),
                name="delivery_not_sent_has_a_reason",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            # the list of deliveries, and of one endpoint's: newest first. Of all states it is the
            # table's UNIQUE (organization_id, id), read backwards
            models.Index(fields=["organization", "state", "-id"], name="delivery_by_state"),
            models.Index(
                fields=["organization", "endpoint", "-id"],
                name="delivery_of_endpoint",
                condition=Q(endpoint__isnull=False),
            ),
            # one-click unsubscribe
            models.Index(
                fields=["organization", "unsubscribe_digest"],
                name="delivery_by_token",
                condition=~Q(unsubscribe_digest=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.mailbox or self.recipient}"


class AttemptResult(models.TextChoices):
    """`begun` while nobody knows: the worker is sending, or died while it did."""

    BEGUN = "begun"
    SENT = "sent"
    FAILED = "failed"


class DeliveryAttempt(TenantModel):
    """One time that a delivery was put on the wire, as it went out and what came back.

    fence: the same as of the job's attempt, which knows when the next one is due. error: for the
    organization. detail, address: for operators only.
    """

    delivery = TenantForeignKey(Delivery, models.CASCADE, related_name="attempts")
    number = models.IntegerField()
    fence = models.BigIntegerField()
    started_at = models.DateTimeField()
    latency_ms = models.IntegerField(null=True)
    result = models.CharField(max_length=16, choices=AttemptResult)
    reason = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="")
    detail = models.TextField(blank=True, default="")
    address = models.CharField(max_length=64, blank=True, default="")
    request_headers = models.JSONField(default=dict)
    request_body = models.TextField(blank=True, default="")
    response_status = models.IntegerField(null=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("fence",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["organization", "delivery", "fence"], name="deliveryattempt_once_per_fence"
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"
