"""The log is added to and read; nobody changes it, not even who owns the table."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import AuditEvent
from tenancy.scope import operator_scope, scope
from tests import factories, servers

CHANGES = {
    "update": "UPDATE audit_auditevent SET event = '{}'",
    "update of personal": "UPDATE audit_auditevent SET personal = NULL",
    "delete": "DELETE FROM audit_auditevent",
    "truncate": "TRUNCATE audit_auditevent",
    "merge": """MERGE INTO audit_auditevent AS a USING (SELECT 1) AS x ON true
                WHEN MATCHED THEN DELETE""",
    "upsert": """INSERT INTO audit_auditevent (id, organization_id, event)
                 SELECT id, organization_id, event FROM audit_auditevent
                 ON CONFLICT (id) DO UPDATE SET event = '{}'""",
}
FORGERIES = {
    "id": "id, organization_id, event) VALUES (gen_random_uuid(), %s, '{}')",
    "time": "recorded_at, organization_id, event) VALUES ('2020-01-01', %s, '{}')",
}


def refused(statement: str, *parameters: int) -> bool:
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, parameters)
    return True


@pytest.mark.django_db
@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_neither_app_nor_operator_changes_the_log(statement: str) -> None:
    organization = factories.organization()

    with scope(organization):
        assert refused(statement)
    with operator_scope("an attack"):
        assert refused(statement)
        assert AuditEvent.objects.filter(organization=organization).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_identity_and_time_are_the_databases_to_give(forgery: str) -> None:
    organization = factories.organization()

    with scope(organization):
        assert refused(f"INSERT INTO audit_auditevent ({forgery}", organization.pk)
    with operator_scope("an attack"):
        assert refused(f"INSERT INTO audit_auditevent ({forgery}", organization.pk)


@pytest.mark.django_db
def test_the_orm_neither_changes_nor_deletes() -> None:
    organization = factories.organization()

    with scope(organization):
        event = AuditEvent.objects.get()
        for attempt in (
            lambda: AuditEvent.objects.update(personal="{}"),
            lambda: AuditEvent.objects.all().delete(),
            event.delete,
            event.save,
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                attempt()


@pytest.mark.django_db
def test_ids_rise_with_time() -> None:
    organization = factories.organization()
    for name in "abc":
        factories.project(organization, code=name)

    with scope(organization):
        events = list(AuditEvent.objects.order_by("id"))

    assert [one.recorded_at for one in events] == sorted(one.recorded_at for one in events)
    assert [one.id.version for one in events] == [7] * 4


@pytest.fixture
def owner(spare_database: str) -> Iterator[psycopg.Connection]:
    """Who owns the tables, on a throw-away database with one event in the log."""
    address = servers.current().database_url("owner", spare_database)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("INSERT INTO audit_auditevent (organization_id, event) VALUES (0, '{}')")
        yield connection


@pytest.mark.django_db
@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_the_owner_of_the_table_does_not_change_the_log(
    owner: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(psycopg.Error, match="append-only"):
        owner.execute(statement)

    assert owner.execute("SELECT count(*) FROM audit_auditevent").fetchone() == (1,)


@pytest.mark.django_db
def test_the_log_outlives_its_organization(owner: psycopg.Connection) -> None:
    owner.execute("TRUNCATE tenancy_organization CASCADE")

    assert owner.execute("SELECT count(*) FROM audit_auditevent").fetchone() == (1,)


@pytest.mark.django_db
def test_a_session_that_plays_replica_does_not_change_the_log(spare_database: str) -> None:
    address = servers.current().database_url("postgres", spare_database)
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute("INSERT INTO audit_auditevent (organization_id, event) VALUES (0, '{}')")
        superuser.execute("SET session_replication_role = 'replica'")

        for statement in CHANGES.values():
            with pytest.raises(psycopg.Error, match="append-only"):
                superuser.execute(statement)
