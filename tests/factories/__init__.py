"""What tests stand on: organizations and their people and work, made through the real doors."""

from tests.factories.tenancy import (
    PASSWORD,
    assignment,
    collaborator,
    invitation,
    member,
    mission,
    operator,
    organization,
    person,
    project,
    service_account,
    timeline_entry,
)

__all__ = [
    "PASSWORD",
    "assignment",
    "collaborator",
    "invitation",
    "member",
    "mission",
    "operator",
    "organization",
    "person",
    "project",
    "service_account",
    "timeline_entry",
]
