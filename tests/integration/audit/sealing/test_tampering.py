"""The tamper drill: somebody who may do anything in the database, triggers off, is found out.

Each case is named with the seq that it touched, and nothing else is reported.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from audit.sealing import keys, merkle
from audit.sealing.heads import Head
from audit.verification.events import verify
from audit.verification.report import Report
from tests.factories.audit import Log

Found = list[tuple[str, int | None, int | None]]


@pytest.fixture
def log(log: Log) -> Log:
    """Seven events in three batches; nothing in the database stops a change any more."""
    log.sealed("ab", "cde", "fg")
    for table in ("audit_auditevent", "audit_auditbatch", "audit_pending"):
        log.sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    return log


def report(log: Log, *heads: Head, trusted: keys.Keys | None = None) -> Report:
    cursor = log.connection.cursor()
    return verify(cursor, log.organization_id, (trusted or log.keys).trusted, heads)


def found(log: Log, *heads: Head, trusted: keys.Keys | None = None) -> Found:
    findings = report(log, *heads, trusted=trusted).findings
    return [(one.kind, one.first_seq, one.last_seq) for one in findings]


def key(folder: Path) -> keys.Keys:
    keys.make(folder / "other.pem")
    return keys.read(folder / "other.pem", "example.com/audit")


def event(log: Log, name: str, change: str) -> None:
    log.sql(f"UPDATE audit_auditevent SET {change} WHERE id = %s", log.id_of(name))


def batch(log: Log, first_seq: int, change: str) -> None:
    log.sql(
        f"UPDATE audit_auditbatch SET {change} WHERE organization_id = %s AND first_seq = %s",
        log.organization_id,
        first_seq,
    )


def forget(log: Log, *, from_seq: int = 1, events: bool = False) -> None:
    """Delete batches from a seq on, and their events too if asked."""
    where = "organization_id = %s AND first_seq >= %s"
    if events:
        log.sql(
            "DELETE FROM audit_auditevent WHERE id IN"
            f" (SELECT unnest(event_ids) FROM audit_auditbatch WHERE {where})",
            log.organization_id,
            from_seq,
        )
    log.sql(f"DELETE FROM audit_auditbatch WHERE {where}", log.organization_id, from_seq)


def rebuild(log: Log, signing: keys.Keys, *batches: str) -> None:
    """The whole history anew, sealed with this key."""
    forget(log, events=True)
    log.sql("ALTER TABLE audit_auditevent ENABLE TRIGGER audit_queue")
    for names in batches:
        log.write(*names)
        log.seal(signing)


def test_a_log_that_nobody_touched_is_whole(log: Log) -> None:
    told = report(log, log.head())

    assert (told.findings, told.size, told.pending, told.not_excluded) == ([], 7, 0, [])


def test_without_a_checkpoint_it_is_said_what_could_not_be_seen(log: Log) -> None:
    [said] = report(log).not_excluded
    assert "cut off" in said
    assert "--checkpoint" in said


CHANGES: dict[str, tuple[str, str]] = {
    "1 a field": ("event = replace(event, 'done', 'undone')", "changed"),
    "2 the personal part": ('personal = \'{"name":"x"}\'', "changed"),
    "2 the personal part taken out": ("personal = NULL", "changed"),
    "7 the time": ("recorded_at = recorded_at - interval '1 microsecond'", "changed"),
    "8 the organization": ("organization_id = 8999999", "moved"),
}


@pytest.mark.parametrize(("change", "kind"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_event_is_named(log: Log, change: str, kind: str) -> None:
    event(log, "d", change)

    assert found(log, log.head()) == [(kind, 4, 4)]


def test_8_an_event_moved_to_another_log_is_told_there_as_nothing_new(log: Log) -> None:
    event(log, "d", "organization_id = 8999999")

    assert verify(log.connection.cursor(), 8999999, log.keys.trusted).findings == []


@pytest.mark.parametrize(("name", "seq"), [("a", 1), ("d", 4), ("g", 7)])
def test_3_a_deleted_event_is_named(log: Log, name: str, seq: int) -> None:
    log.sql("DELETE FROM audit_auditevent WHERE id = %s", log.id_of(name))

    assert found(log) == [("missing", seq, seq)]


def test_4_the_last_events_deleted_are_named(log: Log) -> None:
    for name in "fg":
        log.sql("DELETE FROM audit_auditevent WHERE id = %s", log.id_of(name))

    assert found(log) == [("missing", 6, 6), ("missing", 7, 7)]


def test_4_deleted_with_their_batch_they_are_missed_by_a_checkpoint_only(log: Log) -> None:
    kept = log.head()
    forget(log, from_seq=6, events=True)

    assert found(log, kept) == [("rollback", 6, 7)]
    assert found(log) == []
    assert report(log).not_excluded


def test_5_an_event_inserted_among_old_ones_is_named(log: Log) -> None:
    log.sql(
        "INSERT INTO audit_auditevent (id, organization_id, event, recorded_at)"
        " SELECT uuidv7('-1 day'), organization_id, event, recorded_at"
        " FROM audit_auditevent WHERE id = %s",
        log.id_of("d"),
    )
    [(inserted,)] = log.sql(
        "SELECT min(id::text) FROM audit_auditevent WHERE organization_id = %s",
        log.organization_id,
    )

    [one] = report(log, log.head()).findings
    assert (one.kind, one.event_id) == ("unsealed", inserted)


def test_6_two_that_were_swapped_are_named(log: Log) -> None:
    first, second = log.id_of("c"), log.id_of("d")
    log.sql(
        "UPDATE audit_auditevent AS e SET event = o.event, personal = o.personal"
        " FROM audit_auditevent AS o WHERE (e.id, o.id) IN ((%s, %s), (%s, %s))",
        *(first, second, second, first),
    )

    assert found(log) == [("changed", 3, 3), ("changed", 4, 4)]


def test_6_swapped_in_the_batch_they_are_named(log: Log) -> None:
    batch(log, 3, "event_ids = event_ids[2:2] || event_ids[1:1] || event_ids[3:3]")

    assert found(log) == [("changed", 3, 3), ("changed", 4, 4)]


def resealed(log: Log, first_seq: int) -> None:
    """What a batch would be over the events as they are now, all but its signature."""
    [(last, ids)] = log.sql(
        "SELECT last_seq, event_ids FROM audit_auditbatch"
        " WHERE organization_id = %s AND first_seq = %s",
        *(log.organization_id, first_seq),
    )
    before = log.sql(
        "SELECT peaks FROM audit_auditbatch WHERE organization_id = %s AND last_seq = %s",
        *(log.organization_id, first_seq - 1),
    )
    leaves = [
        log.sql(
            "SELECT audit_leaf(%s, id, organization_id, recorded_at, event, personal)"
            " FROM audit_auditevent WHERE id = %s",
            *(first_seq + place, event_id),
        )[0][0]
        for place, event_id in enumerate(ids)
    ]
    peaks = merkle.grown(merkle.split(before[0][0] if before else b""), first_seq - 1, leaves)
    log.sql(
        "UPDATE audit_auditbatch SET hashes = %s, peaks = %s"
        " WHERE organization_id = %s AND last_seq = %s",
        *(b"".join(leaves), b"".join(peaks), log.organization_id, last),
    )


def test_9_a_batch_rewritten_with_its_root_is_named(log: Log) -> None:
    event(log, "d", CHANGES["1 a field"][0])
    resealed(log, 3)

    assert found(log, log.head()) == [("root", 3, 5)]


def test_10_a_history_rebuilt_without_the_key_is_named(log: Log) -> None:
    kept = log.head()
    event(log, "a", CHANGES["1 a field"][0])
    for first_seq in (1, 3, 6):
        resealed(log, first_seq)

    assert found(log) == [("root", 1, 2), ("root", 3, 5), ("root", 6, 7)]
    assert ("fork", 1, 7) not in found(log, kept)


def test_10_and_19_signed_with_a_key_that_nobody_trusts_it_is_named(
    log: Log, tmp_path: Path
) -> None:
    kept = log.head()
    rebuild(log, key(tmp_path), "abc", "defg")

    assert found(log) == [("signature", 1, 3), ("signature", 4, 7)]
    assert found(log, kept) == [("signature", 1, 3), ("signature", 4, 7), ("fork", 1, 7)]


def test_11_rebuilt_with_the_stolen_key_it_is_told_by_a_checkpoint_only(log: Log) -> None:
    kept = log.head()
    rebuild(log, log.keys, "abc", "defgh")

    assert found(log, kept) == [("fork", 1, 7)]
    assert found(log) == []
    assert "key" in report(log).not_excluded[0]


def test_11_a_stolen_newer_key_is_no_key_to_who_pinned_the_older(log: Log, tmp_path: Path) -> None:
    kept, newer = log.head(), key(tmp_path)
    rebuild(log, newer, "abcdefg")

    assert found(log, kept, trusted=newer) == [("fork", 1, 7)]
    assert found(log) == [("signature", 1, 7)]


def test_12_a_rollback_to_an_older_head_is_told_by_a_checkpoint_only(log: Log) -> None:
    kept = log.head()
    forget(log, from_seq=3, events=True)

    assert found(log, kept) == [("rollback", 3, 7)]
    assert found(log) == []


def test_13_two_heads_of_one_size_are_told_by_a_checkpoint_only(log: Log) -> None:
    kept = log.head()
    forget(log, from_seq=6, events=True)
    log.sql("ALTER TABLE audit_auditevent ENABLE TRIGGER audit_queue")
    log.sealed("xy")

    assert found(log, kept) == [("fork", 1, 7)]
    assert found(log) == []


def test_14_an_event_that_was_kept_from_its_seal_is_named(log: Log) -> None:
    log.sql("ALTER TABLE audit_auditevent ENABLE TRIGGER audit_queue")
    log.write("h", "i")
    log.sql("DELETE FROM audit_pending WHERE event_id = %s", log.id_of("h"))

    told = report(log)
    assert [(one.kind, one.event_id) for one in told.findings] == [
        ("unsealed", str(log.id_of("h")))
    ]
    assert told.pending == 1


def test_an_event_that_waits_and_is_gone_is_named(log: Log) -> None:
    log.sql("ALTER TABLE audit_auditevent ENABLE TRIGGER audit_queue")
    log.write("h")
    gone = log.id_of("h")
    log.sql("DELETE FROM audit_auditevent WHERE id = %s", gone)

    assert [(one.kind, one.event_id) for one in report(log).findings] == [("missing", str(gone))]


@pytest.mark.parametrize(("first_seq", "last_seq"), [(1, 2), (3, 5)])
def test_23_a_deleted_batch_is_named(log: Log, first_seq: int, last_seq: int) -> None:
    log.sql(
        "DELETE FROM audit_auditbatch WHERE organization_id = %s AND first_seq = %s",
        *(log.organization_id, first_seq),
    )

    assert found(log, log.head()) == [("gap", first_seq, last_seq)]


def test_23_the_last_batch_deleted_leaves_its_events_without_a_seal(log: Log) -> None:
    kept = log.head()
    forget(log, from_seq=6)

    assert found(log) == [("unsealed", None, None)] * 2
    assert found(log, kept) == [("rollback", 6, 7)]


@pytest.mark.parametrize(
    ("column", "lie"),
    [("action", "'x.y'"), ("target_id", "NULL"), ("project_id", "7"), ("job_id", "uuidv7()")],
)
def test_24_a_column_that_says_other_than_the_event_is_named(
    log: Log, column: str, lie: str
) -> None:
    wanted = log.id_of("d")
    log.sql(f"ALTER TABLE audit_auditevent ALTER COLUMN {column} DROP EXPRESSION")
    log.sql(f"UPDATE audit_auditevent SET {column} = {lie} WHERE id = %s", wanted)

    assert found(log) == [("column", 4, 4)]


ALTERED: dict[str, Callable[[Log], None]] = {
    "of another organization": lambda log: batch(
        log, 6, "checkpoint = replace(checkpoint, 'audit/', 'audit/1')"
    ),
    "of another size": lambda log: batch(log, 6, "checkpoint = replace(checkpoint, '7', '8')"),
    "none": lambda log: batch(log, 6, "checkpoint = ''"),
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED.keys())
def test_17_a_checkpoint_that_was_altered_is_named(log: Log, alter: Callable[[Log], None]) -> None:
    alter(log)

    assert found(log) == [("signature", 6, 7)]


def test_17_a_checkpoint_of_another_batch_is_named(log: Log) -> None:
    [(older,)] = log.sql(
        "SELECT checkpoint FROM audit_auditbatch WHERE organization_id = %s AND first_seq = 3",
        log.organization_id,
    )
    log.sql(
        "UPDATE audit_auditbatch SET checkpoint = %s WHERE organization_id = %s AND first_seq = 6",
        *(older, log.organization_id),
    )

    assert found(log) == [("root", 6, 7)]
