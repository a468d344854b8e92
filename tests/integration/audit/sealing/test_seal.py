"""Every committed event is sealed once, in order, without a gap; whatever happens to the sealer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest

from audit.errors import LogDiffers, SealRefused
from audit.sealing import keys
from audit.sealing.batch import seal
from audit.sealing.heads import Head, signed
from audit.verification.events import verify
from tests import servers
from tests.factories.audit import Log


@pytest.fixture
def log(app: Callable[[], psycopg.Connection], signing: keys.Keys) -> Log:
    """Of the application, which commits what it does."""
    return Log(connection=app(), keys=signing)


@pytest.fixture
def app(django_db_setup: None) -> Iterator[Callable[[], psycopg.Connection]]:
    """Connections of the application."""
    with ExitStack() as stack:
        address = servers.current().database_url("app")
        yield lambda: stack.enter_context(closing(psycopg.connect(address)))


@contextmanager
def closing(connection: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield connection
    connection.close()


def beside(log: Log, connection: psycopg.Connection) -> Log:
    """The same log, over another connection."""
    return Log(connection=connection, keys=log.keys, organization_id=log.organization_id)


def names(log: Log) -> list[str]:
    """The sealed events, in the order of seq, which has no gap."""
    log.enter()
    batches = log.sql(
        "SELECT first_seq, last_seq, cardinality(event_ids) FROM audit_auditbatch"
        " WHERE organization_id = %s ORDER BY first_seq",
        log.organization_id,
    )
    following = 1
    for first, last, count in batches:
        assert (first, last) == (following, following + count - 1)
        following += count
    return [
        name
        for (name,) in log.sql(
            "SELECT e.target_id FROM audit_auditbatch b,"
            " unnest(b.event_ids) WITH ORDINALITY AS s (id, place)"
            " JOIN audit_auditevent e ON e.id = s.id"
            " WHERE b.organization_id = %s ORDER BY b.first_seq + s.place",
            log.organization_id,
        )
    ]


def whole(log: Log) -> bool:
    """Whether the verifier finds nothing."""
    log.enter()
    cursor = log.connection.cursor()
    return verify(cursor, log.organization_id, log.keys.trusted).findings == []


def test_events_are_numbered_in_the_order_of_their_writing(log: Log) -> None:
    log.write(*"abcde")

    assert [log.seal(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert names(log) == list("abcde")
    assert log.head().size == 5
    assert whole(log)


def test_what_was_rolled_back_is_not_sealed(log: Log) -> None:
    log.write("a")
    log.connection.commit()
    log.write("b")
    log.connection.rollback()
    log.seal()

    assert names(log) == ["a"]


def test_a_late_commit_lands_in_a_later_batch_and_nothing_waits_for_it(
    log: Log, app: Callable[[], psycopg.Connection]
) -> None:
    late = beside(log, app())
    late.write("late")
    log.write("a")
    log.seal()
    log.connection.commit()
    late.connection.commit()
    log.seal()

    assert names(log) == ["a", "late"]
    assert whole(log)


def test_of_two_sealers_one_is_refused(log: Log, app: Callable[[], psycopg.Connection]) -> None:
    log.write("a", "b")
    log.connection.commit()
    other = beside(log, app())

    class Interrupted:
        """The first sealer's cursor; the second seals just before it does."""

        def __init__(self) -> None:
            self.cursor = log.connection.cursor()
            self.fetchall = self.cursor.fetchall

        def execute(self, statement: Any, parameters: Any = None) -> None:
            if "audit_seal(" in statement:
                other.seal()
                other.connection.commit()
            self.cursor.execute(statement, parameters)

    log.enter()
    with pytest.raises(SealRefused):
        seal(Interrupted(), log.organization_id, log.keys)
    log.connection.rollback()

    assert names(log) == ["a", "b"]
    assert whole(log)


@pytest.mark.parametrize("step", ["audit_auditbatch", "audit_pending", "audit_seal(", "COMMIT"])
def test_a_sealer_that_is_killed_leaves_everything_to_the_next(
    log: Log, app: Callable[[], psycopg.Connection], superuser: psycopg.Connection, step: str
) -> None:
    log.write("a", "b")
    log.connection.commit()
    doomed = beside(log, app())
    doomed.enter()

    class Killed:
        """A cursor whose session ends before the step."""

        def __init__(self) -> None:
            self.cursor = doomed.connection.cursor()
            self.fetchall = self.cursor.fetchall

        def execute(self, statement: Any, parameters: Any = None) -> None:
            if step in statement.replace("JOIN audit_auditevent", ""):
                pid = doomed.connection.info.backend_pid
                superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            self.cursor.execute(statement, parameters)

    killed = Killed()

    def seal_all() -> None:
        seal(killed, log.organization_id, log.keys)
        killed.execute("COMMIT")

    with pytest.raises(psycopg.OperationalError):
        seal_all()

    assert names(log) == []
    assert log.seal() == 2
    assert names(log) == ["a", "b"]
    assert whole(log)


def test_nothing_is_sealed_on_top_of_what_was_not_signed(
    log: Log, superuser: psycopg.Connection
) -> None:
    attacked = Log(connection=superuser, keys=log.keys).sealed("ab")
    attacked.write("c")
    attacked.sql("ALTER TABLE audit_auditbatch DISABLE TRIGGER ALL")
    attacked.sql(
        "UPDATE audit_auditbatch SET peaks = sha256(peaks) WHERE organization_id = %s",
        attacked.organization_id,
    )

    with pytest.raises(LogDiffers, match="not what was signed"):
        attacked.seal()


def test_nothing_is_sealed_behind_a_head_of_an_unknown_key(
    superuser: psycopg.Connection, log: Log, tmp_path: Any
) -> None:
    keys.make(tmp_path / "other.pem")
    other = keys.read(tmp_path / "other.pem", log.keys.name)
    mine = Log(connection=superuser, keys=log.keys).sealed("ab")
    mine.write("c")

    with pytest.raises(LogDiffers, match="no trusted key"):
        mine.seal(other)


def test_nothing_is_sealed_where_an_event_is_gone(superuser: psycopg.Connection, log: Log) -> None:
    mine = Log(connection=superuser, keys=log.keys)
    mine.write("a", "b")
    mine.sql("ALTER TABLE audit_auditevent DISABLE TRIGGER ALL")
    mine.sql("DELETE FROM audit_auditevent WHERE id = %s", mine.id_of("a"))

    with pytest.raises(LogDiffers, match="gone"):
        mine.seal()


FORGERIES = {
    "a seq that is not the next": {"first": 2, "size": 3},
    "places that nobody has": {"positions": [-1, -2]},
    "one place too few": {"few": True},
    "hashes of something else": {"hashes": b"x" * 64},
    "a checkpoint of another size": {"size": 3},
    "a checkpoint of another organization": {"of": 1},
    "an organization out of scope": {"organization_id": 1},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
def test_the_database_refuses_a_batch_that_is_not_the_next_one(
    log: Log, forged: dict[str, Any]
) -> None:
    log.write("a", "b")
    waiting = log.sql(
        "SELECT position, audit_leaf(row_number() OVER (ORDER BY position), e.id,"
        " e.organization_id, e.recorded_at, e.event, e.personal) FROM audit_pending"
        " JOIN audit_auditevent e ON e.id = event_id WHERE e.organization_id = %s",
        log.organization_id,
    )
    positions = forged.get("positions", [position for position, _ in waiting])
    head = Head(
        name="x",
        organization_id=forged.get("of", log.organization_id),
        size=forged.get("size", 2),
        root=b"x" * 32,
    )

    def attempt() -> None:
        log.sql(
            "SELECT audit_seal(%s, %s, %s, %s, %s, %s)",
            forged.get("organization_id", log.organization_id),
            forged.get("first", 1),
            positions[:1] if "few" in forged else positions,
            forged.get("hashes", b"".join(leaf for _, leaf in waiting)),
            b"",
            signed(head, log.keys),
        )

    with pytest.raises(psycopg.Error, match="audit_seal"):
        attempt()


CHANGES = {
    "take an event out of the line": "DELETE FROM audit_pending",
    "put one in": "INSERT INTO audit_pending (organization_id, event_id) VALUES (0, uuidv7())",
    "change the line": "UPDATE audit_pending SET event_id = uuidv7()",
    "empty the line": "TRUNCATE audit_pending",
    "write a batch": "INSERT INTO audit_auditbatch (organization_id) VALUES (0)",
    "change a batch": "UPDATE audit_auditbatch SET peaks = ''",
    "delete a batch": "DELETE FROM audit_auditbatch",
    "empty the batches": "TRUNCATE audit_auditbatch",
    "leave an event out": "ALTER TABLE audit_auditevent DISABLE TRIGGER audit_queue",
    "drop the trigger": "DROP TRIGGER audit_queue ON audit_auditevent",
    "a trigger of one's own": "CREATE TRIGGER t BEFORE INSERT ON audit_auditevent"
    " FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "replace the door": "CREATE OR REPLACE FUNCTION audit_queue() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "drop the door": "DROP FUNCTION audit_queue() CASCADE",
    "play replica": "SET session_replication_role = 'replica'",
    "become the owner": "SET ROLE owner",
    "a rule": "CREATE RULE r AS ON INSERT TO audit_auditevent DO INSTEAD NOTHING",
    "a child": "CREATE TABLE c () INHERITS (audit_auditevent)",
    "drop the log": "DROP TABLE audit_auditevent CASCADE",
    "refer to it": "CREATE TABLE c (id uuid REFERENCES audit_auditevent ON DELETE CASCADE)",
    "switch row security off": "ALTER TABLE audit_auditevent DISABLE ROW LEVEL SECURITY",
}
OF_THE_OWNER = {"empty the line", "change a batch", "delete a batch", "empty the batches"}


@pytest.mark.parametrize("role", ["none", "operator", "engine"])
@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_the_application_does_none_of_this(log: Log, role: str, statement: str) -> None:
    log.sealed("a")
    log.write("b")
    log.sql(f"SET ROLE {role}")

    with pytest.raises(psycopg.Error, match=r"denied|must be owner|not exist"):
        log.sql(statement)


@pytest.mark.parametrize("attempt", sorted(OF_THE_OWNER))
def test_the_owner_of_the_tables_does_not_change_what_is_sealed(
    superuser: psycopg.Connection, log: Log, attempt: str
) -> None:
    Log(connection=superuser, keys=log.keys).sealed("a")
    superuser.execute("SET ROLE owner")

    with pytest.raises(psycopg.Error, match="append-only"):
        superuser.execute(CHANGES[attempt])


def test_an_event_cannot_be_kept_from_the_line_by_a_table_of_ones_own(log: Log) -> None:
    log.sql("CREATE TEMP TABLE audit_pending (organization_id bigint, event_id uuid)")
    log.write("a")

    assert log.sql("SELECT count(*) FROM pg_temp.audit_pending") == [(0,)]
    log.sql("DROP TABLE pg_temp.audit_pending")
    assert log.seal() == 1
