"""The write side: compare and set, scan, drop."""

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from jobs.families.search.backends import (
    BackendUnavailable,
    Generation,
    Outcome,
    Result,
    Stored,
)
from jobs.families.search.backends.postgresql.vector import vector
from jobs.families.search.documents import Document
from jobs.families.search.statements import run
from tenancy.scope import engine_scope

DROPPED_AT_ONCE = 5_000

_TOO_MUCH = "54"  # the class of sqlstates "program limit exceeded": it is the document's fault


class Write:
    """The table as the other backends are: see `backends.Backend`."""

    def ensure(self, generation: Generation) -> None:
        """One table holds all generations."""

    def put(self, generation: Generation, documents: Sequence[Document]) -> list[Outcome]:
        """One statement; if it fails for some document, that one is found by halving."""
        if not documents:
            return []
        try:
            return self._put(generation, documents)
        except (InterfaceError, OperationalError) as error:
            if not _state(error).startswith(_TOO_MUCH):
                raise BackendUnavailable(
                    f"PostgreSQL did not take the documents: {error}"
                ) from error
            reason = str(error)
        except (DatabaseError, UnicodeEncodeError, ValueError) as error:
            reason = str(error)
        if len(documents) == 1:
            return [Outcome(result=Result.REFUSED, reason=reason)]
        half = len(documents) // 2
        return [*self.put(generation, documents[:half]), *self.put(generation, documents[half:])]

    def _put(self, generation: Generation, documents: Sequence[Document]) -> list[Outcome]:
        parameters: dict[str, Any] = {
            "organization_id": generation.organization_id,
            "generation_id": generation.number,
            "kinds": [one.kind for one in documents],
            "entity_ids": [one.entity_id for one in documents],
            "versions": [one.version for one in documents],
            "deleted": [one.deleted for one in documents],
            "project_ids": [one.project_id for one in documents],
            "titles": [one.title for one in documents],
            "vectors": [vector(one, generation.number) for one in documents],
            "digests": [one.digest for one in documents],
        }
        with transaction.atomic():
            rows = run("postgresql_put", parameters)
        written = {(row["kind"], row["entity_id"]) for row in rows}
        return [
            Outcome(result=Result.WRITTEN if one.key in written else Result.SUPERSEDED)
            for one in documents
        ]

    def scan(
        self, generation: Generation, after: tuple[str, int] = ("", 0), limit: int = 1_000
    ) -> list[Stored]:
        """As `engine`, which sees what should not be there as well."""
        kind, entity_id = after
        parameters = {
            "generation_id": generation.number,
            "kind": kind,
            "entity_id": entity_id,
            "limit": limit,
        }
        with engine_scope(), transaction.atomic():
            return [Stored(**row) for row in run("postgresql_scan", parameters)]

    def remove(self, generation: Generation, stored: Sequence[Stored]) -> None:
        """One statement."""
        parameters: dict[str, Any] = {
            "generation_id": generation.number,
            "organization_ids": [one.organization_id for one in stored],
            "kinds": [one.kind for one in stored],
            "entity_ids": [one.entity_id for one in stored],
            "versions": [one.version for one in stored],
        }
        with engine_scope(), transaction.atomic():
            run("postgresql_remove", parameters)

    def drop(self, generation: Generation) -> bool:
        """A few thousand rows at a time, so that nobody waits for it."""
        parameters = {
            "organization_id": generation.organization_id,
            "generation_id": generation.number,
            "limit": DROPPED_AT_ONCE,
        }
        with engine_scope(), transaction.atomic():
            [found] = run("postgresql_drop", parameters)
        return bool(found["dropped"] < DROPPED_AT_ONCE)


def _state(error: Exception) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""
