"""Organizations, people and work.

Each function opens the scope and the transaction that it needs. Called inside a scope it stays in
that scope, so only `organization()` needs to stand outside any (or inside an operator's). What is
not given is made: `mission()` alone makes an organization and a project too.
"""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction

from tenancy import changes, invitations, tokens
from tenancy.acting import Actor, acting
from tenancy.entities import Entity
from tenancy.models import (
    Assignment,
    Collaborator,
    Invitation,
    Membership,
    Mission,
    Organization,
    Project,
    ServiceAccount,
    TimelineEntry,
    User,
)
from tenancy.scope import operator_scope, scope

PASSWORD = "correct horse battery staple"
"""Of everybody made here."""

_numbers = count(1)


def organization(name: str = "", **fields: Any) -> Organization:
    """An organization of its own, active unless said otherwise."""
    number = next(_numbers)
    fields.setdefault("slug", f"organization-{number}-{uuid4().hex[:8]}")
    with operator_scope("made for a test"), transaction.atomic():
        return changes.create(Organization(name=name or f"Organization {number}", **fields))


def person(**fields: Any) -> User:
    """Somebody who can sign in, and belongs nowhere yet."""
    number = next(_numbers)
    fields.setdefault("email", f"person-{number}-{uuid4().hex[:8]}@example.test")
    fields.setdefault("name", f"Person {number}")
    fields.setdefault("is_staff", True)
    user = User(**fields)
    user.set_password(PASSWORD)
    user.save()
    return user


def operator(**fields: Any) -> User:
    """Somebody who runs the site."""
    return person(**({"is_superuser": True} | fields))


def member(of: Organization | None = None, role: str = "editor", **fields: Any) -> User:
    """A person with this role in the organization; call again with `user=` for a second one."""
    of = of or organization()
    user = fields.pop("user", None) or person(**fields)
    _create(Membership(organization=of, user=user, role=role))
    return user


def invitation(of: Organization | None = None, by: User | None = None, **fields: Any) -> Invitation:
    """An open invitation, by an owner unless said otherwise. `invitations.url` has its link."""
    of = of or organization()
    by = by or member(of, role="owner")
    fields = {"email": f"invited-{next(_numbers)}-{uuid4().hex[:8]}@example.test"} | fields
    invited = invitations.Invited(**({"name": "", "role": "editor"} | fields))
    with scope(of), transaction.atomic(), acting(Actor.user(by.pk), source="admin"):
        return invitations.invite_many(of.pk, [invited])[0]


def service_account(
    of: Organization | None = None, role: str = "editor", **fields: Any
) -> ServiceAccount:
    """A program's account. Its token is in the attribute `token`, which no row keeps."""
    of = of or organization()
    with scope(of), transaction.atomic():
        account, token = tokens.issue(
            of.pk, name=fields.pop("name", f"Service {next(_numbers)}"), role=role
        )
        if fields:
            account = changes.update(account, **fields)
    account.token = token  # type: ignore[attr-defined]
    return account


def project(of: Organization | None = None, **fields: Any) -> Project:
    """An active project."""
    number = next(_numbers)
    fields = {"code": f"P-{number}", "name": f"Project {number}"} | fields
    return _create(Project(organization=of or organization(), **fields))


def mission(of: Project | None = None, **fields: Any) -> Mission:
    """A planned mission in the project."""
    of = of or project()
    number = next(_numbers)
    fields = {"reference": f"M-{number}", "title": f"Mission {number}"} | fields
    return _create(Mission(organization=of.organization, project=of, **fields))


def timeline_entry(of: Mission | None = None, **fields: Any) -> TimelineEntry:
    """An entry in the mission's timeline."""
    of = of or mission()
    fields = {
        "title": f"Entry {next(_numbers)}",
        "starts_at": datetime(2026, 3, 1, 9, tzinfo=UTC),
    } | fields
    return _create(TimelineEntry(organization=of.organization, mission=of, **fields))


def collaborator(of: Organization | None = None, **fields: Any) -> Collaborator:
    """An active person on the organization's roster."""
    number = next(_numbers)
    fields = {
        "name": f"Collaborator {number}",
        "email": f"collaborator-{number}@example.test",
    } | fields
    return _create(Collaborator(organization=of or organization(), **fields))


def assignment(
    of: Mission | None = None, to: Collaborator | None = None, **fields: Any
) -> Assignment:
    """The collaborator's part in the mission."""
    of = of or mission()
    to = to or collaborator(of.organization)
    return _create(Assignment(organization=of.organization, mission=of, collaborator=to, **fields))


def _create[E: Entity](entity: E) -> E:
    with scope(entity.organization_id), transaction.atomic():
        return changes.create(entity)
