"""Draft → validate → publish, and back again by restore. Every change is in the audit log.

All functions need the organization's scope and a transaction, ask `tenancy.access` whether the
acting person may do it, and write their audit event in the same transaction.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Now

from audit.record import record
from templates import catalogue, validate
from templates.errors import EditConflict, PublishRefused
from templates.models import NotificationTemplate, TemplateVersion, VersionState
from tenancy.access import Permission, require
from tenancy.acting import current
from tenancy.models import Organization


def save_draft(
    organization_id: int,
    event_type: str,
    channel: str,
    locale: str,
    sources: Mapping[str, str],
    *,
    base: int,
    note: str = "",
) -> TemplateVersion:
    """Save sources as the next version; nothing is sent with it before it is published.

    base: the number of the version that the editor started from, 0 for none. If a newer one exists
    by now, nothing is written and EditConflict carries both texts. Saving what the newest draft
    already says returns that draft.
    """
    require(current().actor, Permission.TEMPLATE_EDIT, organization_id)
    catalogue.event_type(event_type)
    kept = {part: str(sources.get(part, "")) for part in catalogue.parts(channel)}
    template = _locked(organization_id, event_type, channel, locale)
    newest = template.versions.order_by("-number").first()
    number = newest.number if newest else 0
    if newest and number != base:
        raise EditConflict(
            base=base, newest=number, author=newest.author_id, yours=kept, theirs=newest.sources
        )
    if newest and newest.sources == kept and newest.state == VersionState.DRAFT:
        return newest
    version = TemplateVersion.objects.create(
        organization_id=organization_id,
        template=template,
        number=number + 1,
        sources=kept,
        author_id=str(current().actor),
        note=note[:300],
    )
    _record("template.draft_saved", version)
    return version


def publish(version: TemplateVersion) -> TemplateVersion:
    """Send with this version from now on; the one published before is retired.

    Raises PublishRefused with all problems while the sources have errors or a required sample
    fails. Publishing the published version changes nothing.
    """
    require(current().actor, Permission.TEMPLATE_EDIT, version)
    template = _lock(version)
    version.refresh_from_db()
    if version.state == VersionState.PUBLISHED:
        return version
    found = validate.validate(template.event_type, template.channel, version.sources)
    if problems := [problem for problem in found if problem.severity == "error"]:
        raise PublishRefused(problems)
    before = _retire_published(template)
    version.state, version.published_at = VersionState.PUBLISHED, Now()
    version.save(update_fields=["state", "published_at"])
    version.refresh_from_db()
    _record("template.published", version, published=(before, version.number))
    return version


def restore(version: TemplateVersion, *, base: int) -> TemplateVersion:
    """Save the sources of an older version as a new draft; base as in `save_draft`."""
    template = version.template
    return save_draft(
        version.organization_id,
        template.event_type,
        template.channel,
        template.locale,
        version.sources,
        base=base,
        note=f"Restored from version {version.number}",
    )


def withdraw(template: NotificationTemplate) -> int | None:
    """Go back to the system default; returns the number of the version that was published."""
    require(current().actor, Permission.TEMPLATE_EDIT, template)
    _locked(template.organization_id, template.event_type, template.channel, template.locale)
    before = _retire_published(template)
    if before is not None:
        record("template.withdrawn", template, changes={"published": (before, None)})
    return before


def published(organization: Organization, event_type: str, channel: str, locale: str) -> Any:
    """The published version for a reader's locale, or None where the system default applies.

    Looks for `de-CH`, then `de`, then the organization's own language, then the template for all.
    """
    wanted = preferences(locale, organization.locale)
    found = TemplateVersion.objects.filter(
        organization_id=organization.pk,
        state=VersionState.PUBLISHED,
        template__event_type=event_type,
        template__channel=channel,
        template__locale__in=wanted,
    ).select_related("template")
    return min(found, key=lambda version: wanted.index(version.template.locale), default=None)


def preferences(*locales: str) -> list[str]:
    """Locales in the order in which a reader wants them, the empty one last."""
    wanted: list[str] = []
    for locale in locales:
        tag = locale.replace("_", "-")
        wanted += [tag, tag.split("-")[0]]
    return [*dict.fromkeys(one for one in wanted if one), ""]


def _locked(
    organization_id: int, event_type: str, channel: str, locale: str
) -> NotificationTemplate:
    key: dict[str, Any] = {
        "organization_id": organization_id,
        "event_type": event_type,
        "channel": channel,
        "locale": locale,
    }
    NotificationTemplate.objects.get_or_create(**key)
    return NotificationTemplate.objects.select_for_update().get(**key)


def _lock(version: TemplateVersion) -> NotificationTemplate:
    return NotificationTemplate.objects.select_for_update().get(
        organization_id=version.organization_id, pk=version.template_id
    )


def _retire_published(template: NotificationTemplate) -> int | None:
    now = template.versions.filter(
        organization_id=template.organization_id, state=VersionState.PUBLISHED
    ).first()
    if now is None:
        return None
    now.state = VersionState.RETIRED
    now.save(update_fields=["state"])
    return now.number


def _record(action: str, version: TemplateVersion, **changes: tuple[Any, Any]) -> None:
    template = version.template
    record(
        action,
        template,
        changes=changes,
        detail={
            "event_type": template.event_type,
            "channel": template.channel,
            "locale": template.locale,
            "version": version.number,
            "note": version.note,
        },
    )
