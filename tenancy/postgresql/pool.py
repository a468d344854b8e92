"""What happens to a connection between two borrowers of the pool.

The scope is only ever set for a transaction, so there is nothing to forget. This is the wall behind
that one: a plain SET, a temporary table or a lock of one request would otherwise reach the next.
"""

from typing import Any

from psycopg import Connection

# RESET ALL takes back the time zone as well, which Django sets once per connection.
FORGET = """
    RESET ROLE; RESET ALL; SET TIME ZONE 'UTC'; DISCARD TEMP; SELECT pg_advisory_unlock_all()
"""


def forget(connection: Connection[Any]) -> None:
    """Bring a session back to how it began."""
    connection.autocommit = True
    connection.execute(FORGET)
