"""The scheduler's part: seals what waits, of every organization in turn.

An organization is due when an event of it has waited for AGE, or a full batch waits. One with a
million events gives others their turn after each batch. One without any costs nothing: only what
waits is looked at. Two schedulers may run: of two that seal the same, one is refused.
"""

import time

import structlog
from django.conf import settings
from django.db import connection, transaction

from audit.errors import LogDiffers, SealRefused
from audit.sealing import keys
from audit.sealing.batch import BATCH, seal
from audit.sealing.keys import Keys
from tenancy.scope import engine_scope, scope

log = structlog.get_logger(__name__)

AGE = "3 seconds"
TICK_SECONDS = 0.5
REST_SECONDS = 60
"""How long an organization whose log differs is left alone, so that it fills no log of ours."""

# From organization to organization along the primary key: costs by how many have something waiting,
# not by how much. An id tells when it was made; one from the future is due: the clock went back.
_DUE = """
    WITH RECURSIVE oldest AS (
        (SELECT organization_id, event_id FROM audit_pending
         ORDER BY organization_id, position LIMIT 1)
        UNION ALL
        SELECT following.* FROM oldest CROSS JOIN LATERAL (
            SELECT organization_id, event_id FROM audit_pending
            WHERE organization_id > oldest.organization_id
            ORDER BY organization_id, position LIMIT 1
        ) AS following
    )
    SELECT organization_id FROM oldest
    WHERE uuid_extract_timestamp(event_id)
            NOT BETWEEN now() - %(age)s::interval AND now() + interval '1 second'
        OR EXISTS (
            SELECT FROM audit_pending AS p WHERE p.organization_id = oldest.organization_id
            OFFSET %(batch)s - 1
        )
    ORDER BY event_id
"""


class Sealing:
    """The work of one scheduler. resting: organizations that are left alone, and until when."""

    def __init__(self) -> None:
        self.resting: dict[int, float] = {}

    def tick(self) -> int:
        """Seal what is due, for TICK_SECONDS at most; returns how many events that were.

        Raises `BadKey` where there is something to seal and nothing to sign it with.
        """
        now = time.monotonic()
        self.resting = {one: until for one, until in self.resting.items() if until > now}
        line = [one for one in due() if one not in self.resting]
        sealed = 0
        known = installed() if line else None
        while known and line and time.monotonic() < now + TICK_SECONDS:
            organization_id = line.pop(0)
            count = self._seal(organization_id, known)
            sealed += count
            if count == BATCH:
                line.append(organization_id)
        return sealed

    def _seal(self, organization_id: int, known: Keys) -> int:
        try:
            return seal_next(organization_id, known)
        except SealRefused:
            log.debug("audit_seal_refused", organization_id=organization_id)
        except LogDiffers as error:
            self.resting[organization_id] = time.monotonic() + REST_SECONDS
            log.error("audit_log_differs", organization_id=organization_id, reason=str(error))  # noqa: TRY400 - the reason says it whole
        return 0


def due() -> list[int]:
    """The organizations that have to be sealed now, the one that waits longest first."""
    with engine_scope(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DUE, {"age": AGE, "batch": BATCH})
        return [organization_id for (organization_id,) in cursor.fetchall()]


def seal_next(organization_id: int, known: Keys) -> int:
    """Seal one batch of an organization in a transaction of its own. Raises as `seal` does."""
    with scope(organization_id), transaction.atomic(), connection.cursor() as cursor:
        return seal(cursor, organization_id, known, limit=BATCH)


def installed() -> Keys:
    """This installation's keys; where none is configured, one is made. Raises `BadKey`."""
    if settings.AUDIT_KEY_FILE == settings.DATA_DIR / "audit_key.pem":
        keys.make(settings.AUDIT_KEY_FILE)
    return keys.read(settings.AUDIT_KEY_FILE, settings.AUDIT_LOG_NAME)
