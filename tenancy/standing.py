"""What actors are in their organizations, in one statement: for workers, who ask before every job.

`tenancy.access` decides what follows from it, there as everywhere; a test holds the two against
each other for every kind of actor.
"""

from dataclasses import dataclass

from tenancy.access import Permission, permissions_in
from tenancy.acting import Actor
from tenancy.postgresql.flush import Rows

_SQL = """
    SELECT w.ordinal, o.state = 'active' AS is_active,
        w.project_id IS NULL OR EXISTS (
            SELECT 1 FROM tenancy_project p
            WHERE p.organization_id = o.id AND p.id = w.project_id
        ) AS has_project,
        CASE w.kind
            WHEN 'user' THEN (
                SELECT m.role FROM tenancy_membership m JOIN tenancy_user u ON u.id = m.user_id
                WHERE m.organization_id = o.id AND m.user_id = w.actor_id AND u.is_active
                    AND m.deactivated_at IS NULL
            )
            WHEN 'service' THEN (
                SELECT s.role FROM tenancy_serviceaccount s
                WHERE s.organization_id = o.id AND s.id = w.actor_id AND s.disabled_at IS NULL
            )
            WHEN 'operator' THEN (
                SELECT 'operator' FROM tenancy_user u
                WHERE u.id = w.actor_id AND u.is_active AND u.is_superuser
            )
        END AS role
    FROM ({asked}) AS w
    JOIN tenancy_organization o ON o.id = w.organization_id
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


def query(asked: str) -> str:
    """The statement that finds it out, in a scope that shows the organizations.

    asked: a query of who wants to act where, on which project if it is about one: ordinal bigint,
    organization_id bigint, project_id bigint, and the actor's kind text and actor_id bigint.
    """
    return _SQL.format(asked=asked)


def in_order(rows: Rows) -> dict[int, Rows]:
    """The rows of each question, by its place; none where nobody can see the organization."""
    return {row["ordinal"] - 1: [row] for row in rows}


def answered(actor: Actor, rows: Rows) -> Standing:
    """What it found for one question.

    An organization that nobody can see has nothing, and nobody in it.
    """
    if not rows:
        return Standing(is_active=False, has_project=False, permissions=frozenset())
    [row] = rows
    return Standing(
        is_active=row["is_active"],
        has_project=row["has_project"],
        permissions=permissions_in(actor, row["role"], is_active=row["is_active"]),
    )
