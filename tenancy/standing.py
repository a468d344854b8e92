"""What an actor is in an organization, in one statement: for workers, who ask before every job.

`tenancy.access` decides what follows from it, there as everywhere; a test holds the two against
each other for every kind of actor.
"""

from dataclasses import dataclass

from tenancy.access import Permission, permissions_in
from tenancy.acting import Actor
from tenancy.postgresql.flush import Rows, Statement

NAME = "standing"
_SQL = """
    SELECT o.state = 'active' AS is_active,
        %(project_id)s::bigint IS NULL OR EXISTS (
            SELECT 1 FROM tenancy_project p
            WHERE p.organization_id = o.id AND p.id = %(project_id)s::bigint
        ) AS has_project,
        CASE %(kind)s::text
            WHEN 'user' THEN (
                SELECT m.role FROM tenancy_membership m JOIN tenancy_user u ON u.id = m.user_id
                WHERE m.organization_id = o.id AND m.user_id = %(actor_id)s::bigint AND u.is_active
            )
            WHEN 'service' THEN (
                SELECT s.role FROM tenancy_serviceaccount s
                WHERE s.organization_id = o.id AND s.id = %(actor_id)s::bigint
                    AND s.disabled_at IS NULL
            )
            WHEN 'operator' THEN (
                SELECT 'operator' FROM tenancy_user u
                WHERE u.id = %(actor_id)s::bigint AND u.is_active AND u.is_superuser
            )
        END AS role
    FROM tenancy_organization o WHERE o.id = %(organization_id)s::bigint
"""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How things are now.

    is_active: whether the organization is. has_project: whether the project, if any, is its own.
    permissions: what the actor may do in the organization as it stands.
    """

    is_active: bool
    has_project: bool
    permissions: frozenset[Permission]


def asking(actor: Actor, *, organization_id: int, project_id: int | None) -> Statement:
    """The statement that finds it out, in a scope that shows the organization."""
    return Statement(
        name=NAME,
        sql=_SQL,
        parameters={
            "kind": actor.kind,
            "actor_id": actor.id,
            "organization_id": organization_id,
            "project_id": project_id,
        },
    )


def answered(actor: Actor, rows: Rows) -> Standing:
    """What it found. An organization that nobody can see has nothing, and nobody in it."""
    if not rows:
        return Standing(is_active=False, has_project=False, permissions=frozenset())
    [row] = rows
    return Standing(
        is_active=row["is_active"],
        has_project=row["has_project"],
        permissions=permissions_in(actor, row["role"], is_active=row["is_active"]),
    )
