"""Events and their seals, without the product around them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg

from audit.sealing import batch
from audit.sealing.heads import Head, opened
from audit.sealing.keys import Keys

ORGANIZATIONS = count(9_000_000)
"""Ids that nobody has: an organization that is gone keeps its log, so none need be there."""


@dataclass(kw_only=True)
class Log:
    """The log of one organization, written over a connection that commits nothing."""

    connection: psycopg.Connection
    keys: Keys
    organization_id: int = field(default_factory=lambda: next(ORGANIZATIONS))

    def enter(self) -> None:
        """The scope of its organization, until the transaction ends."""
        self.sql("SELECT set_config('app.organizations', %s, true)", str(self.organization_id))

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """Run a statement; its rows."""
        cursor = self.connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def write(self, *names: str) -> None:
        """An event for each name, each with something personal."""
        self.enter()
        for name in names:
            text = json.dumps({"action": "thing.done", "target_id": name}, separators=(",", ":"))
            self.sql(
                "INSERT INTO audit_auditevent (organization_id, event, personal)"
                " VALUES (%s, %s, %s)",
                self.organization_id,
                text,
                f'{{"name":"{name}"}}',
            )

    def seal(self, keys: Keys | None = None, *, limit: int = batch.BATCH) -> int:
        """Seal what waits."""
        self.enter()
        cursor = self.connection.cursor()
        return batch.seal(cursor, self.organization_id, keys or self.keys, limit=limit)

    def sealed(self, *batches: Sequence[str]) -> "Log":
        """Write and seal a batch for each list of names."""
        for names in batches:
            self.write(*names)
            self.seal()
        return self

    def head(self) -> Head:
        """The last one."""
        [(note,)] = self.sql(
            "SELECT checkpoint FROM audit_auditbatch WHERE organization_id = %s"
            " ORDER BY first_seq DESC LIMIT 1",
            self.organization_id,
        )
        return opened(note, self.keys.trusted)

    def id_of(self, name: str) -> Any:
        """The id of the event with this name."""
        [(event_id,)] = self.sql(
            "SELECT id FROM audit_auditevent WHERE organization_id = %s AND target_id = %s",
            self.organization_id,
            name,
        )
        return event_id
