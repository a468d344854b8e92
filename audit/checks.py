"""What `manage.py check --deploy` says of the log: that nobody can do more to it than add."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import Error, connection

from audit.errors import BadKey
from audit.sealing import keys

_LOOSE = """
    SELECT format('%s may %s %s', role, privilege, name)
    FROM unnest('{app,operator,engine}'::text[]) AS role,
        unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[]) AS privilege,
        unnest('{audit_auditevent,audit_auditbatch,audit_pending}'::text[]) AS name
    WHERE has_table_privilege(role, name, privilege)
    UNION ALL
    SELECT format('%s may write the column %s', role, attname)
    FROM unnest('{app,operator,engine}'::text[]) AS role, pg_attribute
    WHERE attrelid = 'audit_auditevent'::regclass AND attnum > 0 AND NOT attisdropped
        AND attname NOT IN ('organization_id', 'event', 'personal')
        AND has_column_privilege(role, attrelid, attnum, 'INSERT, UPDATE, REFERENCES')
    UNION ALL
    SELECT format('the trigger %s on %s is missing or can be switched off', one, name)
    FROM (VALUES ('audit_no_change', 'audit_auditevent'), ('audit_no_truncate', 'audit_auditevent'),
        ('audit_queue', 'audit_auditevent'), ('audit_no_change', 'audit_auditbatch'),
        ('audit_no_truncate', 'audit_auditbatch'), ('audit_no_truncate', 'audit_pending')
    ) AS wanted (one, name)
    WHERE NOT EXISTS (SELECT FROM pg_trigger
        WHERE tgrelid = name::regclass AND tgname = one AND tgenabled = 'A')
    UNION ALL
    SELECT format('row-level security is not forced on %s', relname) FROM pg_class
    WHERE relname IN ('audit_auditevent', 'audit_auditbatch', 'audit_pending')
        AND NOT (relrowsecurity AND relforcerowsecurity)
    UNION ALL
    SELECT format('%s is above all rights', rolname) FROM pg_roles
    WHERE rolname IN (current_user, 'app', 'operator', 'engine') AND (rolsuper OR rolbypassrls)
    UNION ALL
    SELECT format('%s may become %s, who owns %s', current_user, relowner::regrole, relname)
    FROM pg_class
    WHERE relname IN ('audit_auditevent', 'audit_auditbatch', 'audit_pending')
        AND pg_has_role(current_user, relowner, 'MEMBER')
"""


def check_append_only(
    app_configs: Any = None, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Ask the database what the role that we run as could do to the log."""
    if "default" not in (databases or ()):
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOOSE)
            loose = [text for (text,) in cursor.fetchall()]
    except Error as error:
        return [checks.Warning(f"The audit log cannot be looked at: {error}", id="audit.W001")]
    return [
        checks.Error(
            f"The audit log is not append-only: {text}.",
            hint="Connect as the role `app` of deploy/roles.sql; migrations set its rights.",
            id="audit.E001",
        )
        for text in loose
    ]


def check_key(**_: Any) -> list[checks.CheckMessage]:
    """Whether there is a key to seal with, that every scheduler shares."""
    if settings.AUDIT_KEY_FILE == settings.DATA_DIR / "audit_key.pem":
        return [
            checks.Warning(
                "AUDIT_KEY_FILE is not set: the log is signed with a key that this machine made.",
                hint="Give every scheduler the same key, and keep a copy of it: "
                "openssl genpkey -algorithm ed25519",
                id="audit.W002",
            )
        ]
    try:
        keys.read(settings.AUDIT_KEY_FILE, settings.AUDIT_LOG_NAME)
    except BadKey as error:
        return [checks.Error(f"The audit log cannot be sealed: {error}", id="audit.E002")]
    return []
