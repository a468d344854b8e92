"""PostgreSQL that is gone for one test process, while the servers of the others live on."""

import psycopg
from django.db import connections
from psycopg import sql

from tests import servers


class Outage:
    """This process's database answers nobody: to its clients, as if PostgreSQL were down."""

    def __init__(self) -> None:
        self.servers = servers.current()

    def begin(self) -> None:
        self._allow(False)
        connections.close_all()
        # As `app`: the owner may not end what belongs to another role.
        with psycopg.connect(self.servers.database_url("app", "postgres"), autocommit=True) as app:
            app.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = 'app'",
                [self.servers.database],
            )

    def end(self) -> None:
        self._allow(True)

    def _allow(self, answer: bool) -> None:
        statement = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(
            sql.Identifier(self.servers.database), sql.Literal(answer)
        )
        with psycopg.connect(self.servers.maintenance_url, autocommit=True) as owner:
            owner.execute(statement)
