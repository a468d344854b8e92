"""What a delivery asks for: the message for one event, one channel, one reader.

A notification is never lost to its template. The organization's published version is tried first,
in a helper process; if it fails or exceeds its budget, the system default is sent instead, and
`fallback_reason` says why; and should even that fail, a bare message says what happened.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from templates import catalogue, composition, document, validate, versions
from templates.catalogue import MAIL
from templates.composition import Message, Options
from templates.errors import BudgetExceeded, HelperUnavailable, RenderingFailed
from templates.models import TemplateVersion
from tenancy.models import Organization

log = structlog.get_logger(__name__)

REST_AFTER_BUDGET_SECONDS = 300
"""How long a version that exceeded its budget is left out, so that not each mail pays for it."""

_resting: dict[int, float] = {}


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A message to send.

    subject, text, html: of a mail; the subject is one safe line, html a whole document.
    body: of a webhook, the exact bytes to sign and send.
    version_id: the TemplateVersion that it was rendered from; None for the system default.
    fallback_reason: why the organization's own version was not used though it has one:
        `template_error`, `syntax`, `subject_refused`, `body_invalid`, `too_large`,
        `budget_exceeded` or `renderer_unavailable`; None when nothing went wrong.
    fallback_detail: the same as a sentence with line and column, for the organization's admins.
    """

    subject: str = ""
    text: str = ""
    html: str = ""
    body: bytes = b""
    version_id: int | None = None
    fallback_reason: str | None = None
    fallback_detail: str = ""


def render(
    organization_id: int, event_type: str, channel: str, locale: str, data: Mapping[str, Any]
) -> Rendered:
    """Render for delivery; call it in the organization's scope, outside a transaction if possible.

    data: what `catalogue.context` makes of a recorded event. Raises UnknownTemplate for an event
    type or channel that is not in the catalogue, and what the database raises; nothing that a
    template or its data does.
    """
    catalogue.parts(channel)
    # A short transaction of its own: none is open while a template takes its time.
    with transaction.atomic():
        organization = Organization.objects.get(pk=organization_id)
        version = versions.published(organization, event_type, channel, locale)
    options = options_for(organization, locale)
    visible = catalogue.visible(event_type, channel, data)
    if version is None:
        return _default(event_type, channel, visible, options)
    try:
        message = _own(version, channel, visible, options)
    except (RenderingFailed, HelperUnavailable) as error:
        reason = getattr(error, "reason", "renderer_unavailable")
        log.warning(
            "template_fell_back", version_id=version.pk, reason=reason, detail=str(error)[:500]
        )
        return _default(event_type, channel, visible, options, reason, str(error)[:500])
    return _rendered(message, version_id=version.pk)


def options_for(organization: Organization, locale: str) -> Options:
    """The reader's language, and the organization's clock and images."""
    return Options(
        locale=locale or organization.locale,
        time_zone=organization.time_zone,
        image_hosts=tuple(settings.MAIL_IMAGE_HOSTS),
    )


def _own(
    version: TemplateVersion, channel: str, data: Mapping[str, Any], options: Options
) -> Message:
    if _resting.get(version.pk, 0) > time.monotonic():
        raise BudgetExceeded("exceeded its budget a moment ago, and rests")
    try:
        return validate.attempt(channel, version.sources, data, options)
    except BudgetExceeded:
        _resting[version.pk] = time.monotonic() + REST_AFTER_BUDGET_SECONDS
        raise


def _default(
    event_type: str,
    channel: str,
    data: Mapping[str, Any],
    options: Options,
    reason: str | None = None,
    detail: str = "",
) -> Rendered:
    event = catalogue.event_type(event_type)
    try:
        # In our own process: the sources are ours, and it works without any helper.
        message = composition.compose(channel, event.default(channel), data, options, repair=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, somebody must hear of the event
        log.warning("default_template_failed", event_type=event_type, detail=str(error)[:500])
        message = _bare(event, channel, data)
        reason, detail = reason or "default_failed", detail or str(error)[:500]
    return _rendered(message, fallback_reason=reason, fallback_detail=detail)


def _bare(event: catalogue.EventType, channel: str, data: Mapping[str, Any]) -> Message:
    about = data.get("event")
    facts: Mapping[str, Any] = about if isinstance(about, Mapping) else {}
    when = str(facts.get("occurred_at") or "")
    if channel == MAIL:
        text = f"{event.title}. {when}".strip() + "\n"
        return Message(subject=event.title, text=text)
    envelope = {"type": event.name, "timestamp": when, "data": {"event_id": str(facts.get("id"))}}
    return Message(body=document.encode(envelope).decode())


def _rendered(message: Message, **outcome: Any) -> Rendered:
    return Rendered(
        subject=message.subject,
        text=message.text,
        html=message.html,
        body=message.body.encode(),
        **outcome,
    )
