"""Row-level security: the migration operation that fences a table.

Each table that belongs to an organization gets, by one operation: security enabled and forced, one
policy per role, `UNIQUE (organization_id, id)`, and for each reference to another tenant table a
composite foreign key. The composite key matters because PostgreSQL's own key checks ignore row
security: with a plain key, a row of A could point at a project of B.

One policy per role, not `is_operator OR organization = …`: only then does the planner use the
organization index for a query that names none (1–6 ms against 1.4 s at ten million rows).
"""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.operations.base import Operation

_SCOPE = "string_to_array(nullif(current_setting('app.organizations', true), ''), ',')::bigint[]"
ORGANIZATIONS = f"ANY ({_SCOPE})"
# The same, read once a statement. What is written is checked row by row, and reading the setting
# anew for each costs 70 µs where the scope spans a thousand organizations. Rows that are read are
# mostly found by the setting itself, and the planner counts what it names: there it stays as it is.
ORGANIZATIONS_ONCE = f"ANY ((SELECT {_SCOPE})::bigint[])"


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A reference to a row of the same organization.

    Its constraint in the database is composite, (organization_id, x_id), and made by `TenantTable`;
    Django's own is switched off.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class TenantTable(Operation):
    """Fence one table: policies, grants and composite keys. Append it where the table is created.

    engine: what the role `engine` (relay, scheduler, statistics) may do here, as a list of SQL
    privileges such as "SELECT, UPDATE"; nothing by default, and never for a domain table.
    append_only: rows can be added and read by the application, and neither changed nor deleted.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, *, engine: str = "", append_only: bool = False) -> None:
        self.model = model
        self.engine = engine
        self.append_only = append_only

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """How a migration writer would spell this operation."""
        kwargs = {"engine": self.engine, "append_only": self.append_only}
        return self.__class__.__name__, [self.model], {k: v for k, v in kwargs.items() if v}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing of this is known to Django's models."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Fence the table."""
        model = to_state.apps.get_model(app_label, self.model)
        for statement in self._statements(model):
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Take the fence down; the table is usually dropped next."""
        model = from_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        for role in ("app", "operator", "owner", "engine"):
            schema_editor.execute(f'DROP POLICY IF EXISTS {role} ON "{table}"')
        schema_editor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
        schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
        for name, _ in _composite_keys(model):
            schema_editor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"')
        schema_editor.execute(
            f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{table}_organization_row" CASCADE'
        )

    def describe(self) -> str:
        """One line for `migrate --plan`."""
        return f"Fence {self.model}: row-level security and composite keys"

    def _statements(self, model: type[models.Model]) -> Iterable[str]:
        table, column = model._meta.db_table, organization_column(model)
        yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
        yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
        mine = f"{column} = {ORGANIZATIONS}"
        yield _policy(table, "app", mine, f"{column} = {ORGANIZATIONS_ONCE}")
        # Forced security would make a data migration as `owner` change nothing and say nothing.
        for role in ("operator", "owner"):
            yield _policy(table, role, "true", "true")
        if self.engine:
            yield _policy(table, "engine", "true", "true")
            yield f'GRANT {self.engine} ON "{table}" TO engine'
        if self.append_only:
            yield f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM app, operator, engine'
        if column == "organization_id":
            key = model._meta.pk
            assert key is not None
            yield (
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_organization_row" '
                f'UNIQUE (organization_id, "{key.column}")'
            )
        for name, definition in _composite_keys(model):
            yield f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}'


def organization_column(model: type[models.Model]) -> str:
    """The column that names the organization of a row: `id` in the organizations' own table."""
    return "id" if model._meta.model_name == "organization" else "organization_id"


def tenant_models() -> list[type[models.Model]]:
    """All installed models whose rows belong to an organization."""
    return [model for model in apps.get_models() if getattr(model, "is_tenant", False)]


def _policy(table: str, role: str, seen: str, written: str) -> str:
    return (
        f'CREATE POLICY {role} ON "{table}" FOR ALL TO {role} USING ({seen}) WITH CHECK ({written})'
    )


def _composite_keys(model: type[models.Model]) -> Iterable[tuple[str, str]]:
    for field in model._meta.get_fields():
        if isinstance(field, TenantForeignKey):
            parent = field.related_model
            assert not isinstance(parent, str)
            key = parent._meta.pk
            assert key is not None
            yield (
                f"{model._meta.db_table}_{field.column}_same_organization"[:63],
                f'FOREIGN KEY (organization_id, "{field.column}") '
                f'REFERENCES "{parent._meta.db_table}" (organization_id, "{key.column}")',
            )
