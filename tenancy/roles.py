"""What each role may do with tables that a migration makes.

Roles belong to the server (deploy/roles.sql makes them), default privileges to one database. They
must stand before the first table does, `django_migrations` included; a migration comes too late.
So they are set when `migrate` begins, in every database that is migrated as `owner`, those of the
tests included.

The role `engine` gets its tables one by one, from the operation that writes the policies.
"""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import pre_migrate

OWNER = "owner"

DEFAULT_PRIVILEGES = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app, operator;
ALTER DEFAULT PRIVILEGES IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO app, operator, engine;
"""


def grant_default_privileges(*, using: str, **_: Any) -> None:
    connection = connections[using]
    if connection.settings_dict["USER"] != OWNER:
        return
    with connection.cursor() as cursor:
        cursor.execute(DEFAULT_PRIVILEGES)


def connect(sender: AppConfig) -> None:
    """Have `migrate` set the default privileges. `sender` is the app that asks, so it runs once."""
    pre_migrate.connect(
        grant_default_privileges, sender=sender, dispatch_uid="tenancy.default_privileges"
    )
