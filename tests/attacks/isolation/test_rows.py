"""A row of B in every table, and somebody in the scope of A who wants it."""

from typing import Any

import pytest
from django.db import DatabaseError, ProgrammingError, connection, models, transaction
from django.utils import timezone

from audit.sealing.tick import installed, seal_next
from jobs.models import Delivery, DeliveryAttempt
from tenancy.entities import recording
from tenancy.models import Organization
from tenancy.rls import organization_column
from tenancy.scope import operator_scope, scope
from tests import factories
from tests.attacks.isolation.catalog import TENANT_MODELS
from tests.factories.admin import MAKERS
from tests.factories.exports import export
from tests.factories.imports import import_with_rows_everywhere
from tests.factories.search import indexed_document

pytestmark = pytest.mark.django_db(transaction=True)

Rows = dict[type[models.Model], Any]


@pytest.fixture
def theirs() -> Rows:
    """The key of one row of others in each table."""
    others = [factories.organization() for _ in MAKERS]
    for make, other in zip(MAKERS.values(), others, strict=True):
        _attempt(make(other))
    import_with_rows_everywhere(others[0])
    export(others[0])
    indexed_document(others[0])
    seal_next(others[0].pk, installed())
    with operator_scope("to find what there is"), transaction.atomic():
        return {model: _any_of(model, others) for model in TENANT_MODELS}


@pytest.fixture
def mine() -> Organization:
    return factories.project().organization


def test_every_table_has_a_row_to_steal(theirs: Rows) -> None:
    assert {model._meta.label for model, key in theirs.items() if key is None} == set()


def test_the_orm_finds_none_of_them_without_any_filter_of_ours(
    theirs: Rows, mine: Organization
) -> None:
    with scope(mine), transaction.atomic():
        for model, key in theirs.items():
            rows = model._base_manager.filter(pk=key)
            assert not rows.exists(), model
            assert list(rows) == [], model
            assert rows.count() == 0, model
            others = model._base_manager.exclude(**{organization_column(model): mine.pk})
            assert not others.exists(), model


def test_raw_sql_reads_changes_and_deletes_none_of_them(theirs: Rows, mine: Organization) -> None:
    with scope(mine), transaction.atomic(), connection.cursor() as cursor:
        for model, key in theirs.items():
            table, column = model._meta.db_table, model._meta.pk.column
            for statement in (
                f'SELECT 1 FROM "{table}" WHERE "{column}" = %s',
                f'UPDATE "{table}" SET "{column}" = "{column}" WHERE "{column}" = %s RETURNING 1',
                f'DELETE FROM "{table}" WHERE "{column}" = %s RETURNING 1',
            ):
                assert _rows(cursor, statement, key) == [], statement


def test_the_orm_changes_and_deletes_none_of_them(theirs: Rows, mine: Organization) -> None:
    with scope(mine), transaction.atomic(), recording():
        for model, key in theirs.items():
            rows = model._base_manager.filter(pk=key)
            assert rows._raw_delete("default") == 0 if _may(model, "DELETE") else True, model
            field = "slug" if model is Organization else model._meta.pk.name
            if _may(model, "UPDATE"):
                assert rows.update(**{field: models.F(field)}) == 0, model


def test_none_of_them_can_be_adopted(theirs: Rows, mine: Organization) -> None:
    """By an insert that takes their key, and would overwrite the row that has it."""
    for model, key in theirs.items():
        table, column = model._meta.db_table, model._meta.pk.column
        statement = (
            f'INSERT INTO "{table}" ("{column}", {organization_column(model)}) VALUES (%s, %s)'
            f' ON CONFLICT ("{column}") DO UPDATE SET "{column}" = EXCLUDED."{column}"'
        )
        if model is Organization:
            continue
        with (
            scope(mine),
            pytest.raises(DatabaseError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, [key, mine.pk])


def _attempt(made: models.Model) -> None:
    """Of a delivery: as if a worker had tried it."""
    if isinstance(made, Delivery):
        with scope(made.organization_id), transaction.atomic():
            DeliveryAttempt.objects.create(
                organization_id=made.organization_id,
                delivery=made,
                number=1,
                fence=1,
                started_at=timezone.now(),
                result="failed",
            )


def _any_of(model: type[models.Model], organizations: list[Organization]) -> Any:
    theirs = {f"{organization_column(model)}__in": [one.pk for one in organizations]}
    return model._base_manager.filter(**theirs).values_list("pk", flat=True).first()


def _may(model: type[models.Model], privilege: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('app', %s, %s)", [model._meta.db_table, privilege]
        )
        return bool(cursor.fetchone()[0])


def _rows(cursor: Any, statement: str, key: Any) -> list[Any]:
    try:
        with transaction.atomic():
            cursor.execute(statement, [key])
            return list(cursor.fetchall())
    except ProgrammingError as refused:
        return [] if "permission denied" in str(refused) else [refused]
