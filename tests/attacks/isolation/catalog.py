"""What PostgreSQL's own catalogue says about tables, roles and rights."""

from collections.abc import Sequence
from typing import Any, LiteralString

from django.db import connection, models

from tenancy.rls import tenant_models


def ask(query: LiteralString, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, list(parameters))
        return list(cursor.fetchall())


def names(found: list[tuple[Any, ...]]) -> set[str]:
    return {row[0] for row in found}


def label(model: type[models.Model]) -> str:
    return model._meta.label


TENANT_MODELS = tenant_models()
"""Every installed model whose rows belong to an organization."""

ENTITIES = [model for model in TENANT_MODELS if hasattr(model, "audited")]
"""Those of them that are written through `tenancy.changes` only."""
