"""The logs of all organizations, one after the other, with the checkpoints that were kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from audit.errors import BadCheckpoint, BadKey
from audit.sealing.batch import Cursor
from audit.sealing.heads import Head, opened
from audit.sealing.keys import PublicKey
from audit.verification.events import verify
from audit.verification.report import Report

# From organization to organization along an index, however many rows each has.
_LOGS = """
    WITH RECURSIVE events AS (
        (SELECT min(organization_id) AS id FROM audit_auditevent)
        UNION ALL
        SELECT (
            SELECT min(organization_id) FROM audit_auditevent WHERE organization_id > events.id
        )
        FROM events WHERE events.id IS NOT NULL
    ), batches AS (
        (SELECT min(organization_id) AS id FROM audit_auditbatch)
        UNION ALL
        SELECT (
            SELECT min(organization_id) FROM audit_auditbatch WHERE organization_id > batches.id
        )
        FROM batches WHERE batches.id IS NOT NULL
    )
    SELECT id FROM events WHERE id IS NOT NULL
    UNION SELECT id FROM batches WHERE id IS NOT NULL ORDER BY id
"""


def logs(cursor: Cursor) -> list[int]:
    """The organizations that have a log, those that are gone included; in an operator's scope."""
    cursor.execute(_LOGS)
    return [organization_id for (organization_id,) in cursor.fetchall()]


def verify_all(
    cursor: Cursor, wanted: Sequence[int], trusted: Sequence[PublicKey], kept: Sequence[Head]
) -> Iterator[Report]:
    """The report of each. kept: checkpoints of any organization, from elsewhere."""
    for organization_id in wanted:
        mine = [head for head in kept if head.organization_id == organization_id]
        yield verify(cursor, organization_id, trusted, mine)


def read_checkpoints(paths: Sequence[Path], trusted: Sequence[PublicKey]) -> list[Head]:
    """The heads in these files; of a folder, in its folders `checkpoint`.

    Raises `BadCheckpoint` for one that no trusted key signed: it says nothing.
    """
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("checkpoint/*")) if path.is_dir() else [path])
    ]
    if paths and not files:
        raise BadCheckpoint(f"No checkpoint is below {', '.join(map(str, paths))}")
    try:
        return [opened(file.read_text(encoding="utf-8"), trusted) for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise BadCheckpoint(f"A checkpoint cannot be read: {error}") from error


def read_keys(path: Path) -> list[PublicKey]:
    """The keys in a file, one a line. Raises `BadKey`."""
    try:
        found = [PublicKey.parse(text) for text in path.read_text(encoding="utf-8").split()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadKey(f"The keys cannot be read: {error}") from error
    if not found:
        raise BadKey(f"{path} holds no key")
    return found
