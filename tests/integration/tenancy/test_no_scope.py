"""A tenant query that no scope covers raises; it never answers with an empty list."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count, Exists, Max, OuterRef, Prefetch, Q

from audit.models import AuditEvent
from tenancy.entities import recording
from tenancy.errors import NoScope
from tenancy.models import DomainEvent, Membership, Mission, Organization, Project, User
from tenancy.scope import scope
from tests import factories

Query = Callable[[], Any]

READS: dict[str, Query] = {
    "list": lambda: list(Project.objects.all()),
    "first": lambda: Project.objects.first(),
    "get": lambda: Project.objects.get(pk=1),
    "count": lambda: Project.objects.count(),
    "exists": lambda: Project.objects.exists(),
    "aggregate": lambda: Project.objects.aggregate(Max("id")),
    "aggregate of distinct": lambda: Project.objects.distinct().aggregate(Count("id")),
    "values": lambda: list(Project.objects.values("id")),
    "iterator": lambda: list(Project.objects.iterator()),
    "in_bulk": lambda: Project.objects.in_bulk([1]),
    "none in particular": lambda: list(Project.objects.filter(pk__in=[])),
    "select_for_update": lambda: list(Project.objects.select_for_update()),
    "explain": lambda: Project.objects.explain(),
    "base manager": lambda: list(Project._base_manager.all()),
    "organizations": lambda: list(Organization.objects.all()),
    "join from outside": lambda: list(User.objects.filter(memberships__role="owner")),
    "join to count": lambda: list(User.objects.annotate(Count("memberships"))),
    "join to order": lambda: list(User.objects.order_by("memberships__role")),
    "subquery": lambda: list(User.objects.filter(pk__in=Membership.objects.values("user"))),
    "exists subquery": lambda: list(
        User.objects.filter(Exists(Membership.objects.filter(user=OuterRef("pk"))))
    ),
    "subquery in or": lambda: User.objects.filter(
        Q(email="") | Q(pk__in=Membership.objects.values("user"))
    ).count(),
    "union": lambda: list(
        User.objects.values("pk").union(Membership.objects.values("user"), all=True)
    ),
    "prefetch": lambda: list(
        User.objects.prefetch_related(Prefetch("memberships", Membership.objects.all()))
    ),
    "audit log": lambda: AuditEvent.objects.count(),
}

WRITES: dict[str, Query] = {
    "insert": lambda: DomainEvent.objects.create(entity_id=1, data={}),
    "bulk insert": lambda: DomainEvent.objects.bulk_create([DomainEvent(entity_id=1, data={})]),
    "update": lambda: DomainEvent.objects.update(entity_id=2),
    "returning update": lambda: Project(pk=1, organization_id=1).save(force_update=True),
    "delete": lambda: DomainEvent.objects.all().delete(),
    "raw delete": lambda: DomainEvent.objects.all()._raw_delete("default"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("query", READS.values(), ids=READS.keys())
def test_a_read_without_a_scope_raises(query: Query) -> None:
    factories.person()

    with pytest.raises(NoScope, match="outside any organization"):
        query()


@pytest.mark.django_db
@pytest.mark.parametrize("query", WRITES.values(), ids=WRITES.keys())
def test_a_write_without_a_scope_raises(query: Query) -> None:
    with pytest.raises(NoScope), recording():
        query()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", READS.values(), ids=READS.keys())
def test_a_read_outside_a_transaction_raises(query: Query) -> None:
    factories.person()

    with pytest.raises(NoScope, match="outside a transaction"), scope([]):
        query()


@pytest.mark.django_db
def test_sql_that_is_only_shown_needs_no_scope() -> None:
    assert "tenancy_project" in str(Project.objects.filter(code="x").query)


@pytest.mark.django_db
def test_tables_of_no_organization_need_no_scope() -> None:
    person = factories.person()

    assert User.objects.get(pk=person.pk) == person


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM tenancy_mission",
        "SELECT count(*) FROM (SELECT 1 FROM tenancy_mission FOR UPDATE) AS locked",
        "WITH gone AS (DELETE FROM tenancy_mission RETURNING id) SELECT count(*) FROM gone",
        "WITH w AS (UPDATE tenancy_mission SET title = '' RETURNING id) SELECT count(*) FROM w",
        "SELECT count(*) FROM audit_auditevent",
        "SELECT count(*) FROM tenancy_organization",
    ],
)
def test_raw_sql_without_a_scope_touches_no_row(statement: str) -> None:
    mission = factories.mission()

    with connection.cursor() as cursor:
        cursor.execute(statement)
        assert cursor.fetchone() == (0,)
    assert list(Mission.objects.raw("SELECT * FROM tenancy_mission")) == []
    with scope(mission.organization), transaction.atomic():
        assert Mission.objects.get(pk=mission.pk).title == mission.title


@pytest.mark.django_db
def test_raw_sql_without_a_scope_inserts_no_row() -> None:
    organization = factories.organization()

    with pytest.raises(Exception, match="row-level security"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenancy_project (organization_id, code, name, state)"
            " VALUES (%s, 'x', 'x', 'active')",
            [organization.pk],
        )
