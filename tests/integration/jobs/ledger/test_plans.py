"""Every statement of the ledger finds its rows by an index, and reads few of them.

Planned where PostgreSQL believes in ten million jobs, by nothing but its costs. A plan that a
connection keeps may come from any day of an installation, so those are made at every size.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from jobs.ledger import statements
from tenancy import scope
from tenancy.postgresql.flush import PLANNED_ONCE
from tests import servers
from tests.integration.jobs.ledger.sizes import (
    BIG,
    SIZES,
    TEN_MILLION,
    ledger_of,
    ten_million_jobs,
)

FOLDER = Path(statements.__file__).parent / "sql"

NOW, LONG = datetime.now(UTC), timedelta(days=1)
PAIRS = {"organization_ids": [1, 2], "job_ids": [uuid4(), uuid4()]}
ONE = {"organization_id": 1, "job_id": uuid4()}
FENCED = ONE | {"fence": 1}
WORDS = (
    "error_class", "error_message", "error_frame", "traceback", "traceback_digest", "reason",
    "fingerprint",
)  # fmt: skip
FAILURE = dict.fromkeys(WORDS, "x")
HANDLED = {"handled_by": "x", "reason": "x"}
BREAKER = {"organization_id": 1, "job_type": "t", "destination": "d", "job_id": uuid4()}
MANY = ("project_ids", "payloads", "entity_types", "entity_ids", "correlation_ids", "actor_ids")
WORKER = {"id": "w", "host": "h", "version": "1", "pid": 1, "queue_groups": "[]"}
RAN = {"ran": LONG}
EACH = {"fences": [1, 2], "ran": [0.5, 1.0]}

GIVEN = {
    "alive": {"lease": LONG},
    "beat": WORKER | {"begun": PAIRS["job_ids"], "ran": [LONG, LONG]},
    "asked_to_end": {"job_ids": PAIRS["job_ids"], "worker_id": "w"},
    "begin_effect": FENCED | {"effect_id": "e"},
    "keep": FENCED,
    "breaker_close": BREAKER,
    "breaker_drain": {"limit": 9, "fastest": 9},
    "breaker_enter": BREAKER | {"probe_for": LONG},
    "breaker_failed": BREAKER | {"threshold": 3, "open_for": LONG, "longest": LONG},
    "breaker_forget": {"limit": 9, "quiet": LONG},
    "breaker_hold": ONE | {"breaker_id": 1},
    "breaker_probe": {"limit": 9, "patience": LONG},
    "breaker_spared": BREAKER,
    "breaker_succeeded": BREAKER,
    "bury": FENCED | FAILURE | RAN,
    "bury_message": FAILURE
    | {"organization_id": 1, "job_type": "t", "queue_group": "g", "worker_id": "w", "raw": b""},
    "cancel": PAIRS | {"reason": "x"},
    "claim": PAIRS | {"worker_id": "w", "lease": LONG, "suspects": True, "in_hand": []},
    "confirm": {"job_ids": PAIRS["job_ids"]},
    "discard": PAIRS | HANDLED,
    "enqueue": PAIRS
    | {name: ["1", "2"] for name in MANY}
    | {"keys": [b"1", b"2"], "run_at": [NOW, NOW], "caused_by": None, "job_type": "t"}
    | {"queue_group": "g", "max_attempts": 1, "policy_version": "v"},
    "enqueue_one": ONE
    | dict.fromkeys(("entity_type", "entity_id", "correlation_id", "actor_id", "job_type"), "x")
    | {"key": b"1", "project_id": 1, "payload": "{}", "caused_by": None, "queue_group": "g"}
    | {"max_attempts": 1, "policy_version": "v"},
    "finished": {"since": NOW - LONG, "until": NOW},
    "give_back": PAIRS | EACH,
    "held": {"limit": 9},
    "hold_back": {"organization_id": 1, "job_ids": PAIRS["job_ids"], "hold": "capacity"},
    "in_line": {"after": uuid4(), "limit": 9, "overdue": LONG},
    "is_held": {"organization_id": 1, "queue_group": "g", "hold": "capacity"},
    "known_keys": {"organization_ids": [1, 2], "keys": [b"1", b"2"]},
    "lock": PAIRS,
    "mend_holds": PAIRS,
    "mend_letters": PAIRS | {"fingerprint": "x"},
    "misfits": {"limit": 9, "patience": LONG, "lease": LONG},
    "not_in_line": PAIRS | {"queue_group": "g"},
    "publish": {"limit": 9, "patience": LONG},
    "relay_lag": {},
    "release": FENCED | RAN | {"hold": None},
    "remove_finished": {
        "after": uuid4(), "limit": 9, "keep_succeeded": LONG, "keep_cancelled": LONG
    },
    "remove_keys": {"after": 0, "limit": 9, "keep": LONG},
    "remove_letters": {"limit": 9, "keep": LONG},
    "remove_workers": {"keep": LONG},
    "replay": PAIRS | HANDLED,
    "request_cancel": PAIRS,
    "restore": PAIRS | {"window": LONG},
    "retry": FENCED | FAILURE | RAN | {"delay": LONG},
    "settle": FENCED | RAN,
    "settle_many": PAIRS | EACH,
    "sign_off": {"id": "w"},
    "stop": FENCED | RAN | {"how": "x"},
    "unhold": {
        "organization_ids": [1], "holds": ["capacity"], "queue_groups": ["g"], "most": [9],
        "limit": 9,
    },
}  # fmt: skip

ENGINES = (
    "alive", "beat", "breaker_drain", "breaker_forget", "breaker_probe", "bury_message", "confirm",
    "finished", "held", "in_line", "mend_", "misfits", "not_in_line", "publish", "relay_lag",
    "remove_", "sign_off", "unhold",
)  # fmt: skip


@pytest.fixture(scope="module")
def ledger(request, django_db_setup) -> Iterator[psycopg.Connection]:
    """A connection of role `app` to a ledger of the size that the test names."""
    with (
        ledger_of(request.param) as name,
        psycopg.connect(
            servers.current().database_url("app", name), cursor_factory=psycopg.ClientCursor
        ) as app,
    ):
        yield app


def test_every_statement_is_looked_at():
    assert set(GIVEN) == {file.stem for file in FOLDER.glob("*.sql")}


@pytest.mark.parametrize("ledger", [ten_million_jobs], indirect=True)
@pytest.mark.parametrize("name", GIVEN)
def test_a_statement_reads_no_big_table_whole(ledger, name):
    with ledger.transaction(force_rollback=True):
        ledger.execute(scope.WORDS, {"organizations": "1", "role": role(name)})
        [([plan],)] = ledger.execute(f"EXPLAIN (FORMAT JSON) {text(name)}", GIVEN[name]).fetchall()
        small = {index for (index,) in ledger.execute(SMALL, {"tables": BIG})}

    found = [
        scan for scan in scans(plan) if reads_all(scan) and scan.get("Index Name") not in small
    ]
    assert not found, described(found)
    if name not in BY_PAGES:
        assert plan["Plan"]["Total Cost"] < WHOLE / 100, described(scans(plan))


KEPT = ("claim", "lock", "settle", "settle_many")


@pytest.mark.parametrize("ledger", SIZES, indirect=True)
@pytest.mark.parametrize("name", KEPT)
def test_a_plan_that_is_kept_looks_jobs_up_one_by_one(ledger, name):
    """It may be made while the table is empty: all of an organization is as good as a row then."""
    numbered = text(name) % {parameter: f"${n}" for n, parameter in enumerate(GIVEN[name], 1)}
    with ledger.transaction(force_rollback=True):
        ledger.execute(scope.WORDS, {"organizations": "1", "role": role(name)})
        ledger.execute(PLANNED_ONCE.sql)
        explain = f"EXPLAIN (FORMAT JSON, GENERIC_PLAN) {numbered}"
        [([plan],)] = ledger.execute(explain).fetchall()

    found = [scan for scan in scans(plan) if "jobs_job" in scan.values() and not names_a_row(scan)]
    assert not found, described(found)


def role(name):
    return "engine" if name.startswith(ENGINES) else "none"


def text(name):
    return (FOLDER / f"{name}.sql").read_text()


def scans(plan):
    """The nodes that read a big table, or an index."""
    return [
        node
        for node in nodes(plan["Plan"])
        if "Scan" in node["Node Type"]
        and (node.get("Relation Name") in BIG or node["Node Type"] == "Bitmap Index Scan")
    ]


def nodes(node):
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def reads_all(scan):
    # What a Bitmap Heap Scan reads is what the scans of indexes below it found.
    return "Index Cond" not in scan and scan["Node Type"] != "Bitmap Heap Scan"


def names_a_row(scan):
    return re.search("(?<!organization_)id = ", scan.get("Index Cond", ""))


def described(found):
    facts = ("Node Type", "Relation Name", "Index Name", "Index Cond", "Filter", "Total Cost")
    return [[scan.get(fact) for fact in facts] for scan in found]


# Of what it is the index, hardly any rows are there: all of its entries may be walked.
SMALL = """
    SELECT i.indexrelid::regclass::text FROM pg_index i
    JOIN pg_class index ON index.oid = i.indexrelid JOIN pg_class held ON held.oid = i.indrelid
    WHERE i.indrelid = ANY (%(tables)s::regclass[]) AND index.reltuples < held.reltuples / 10
"""
# What it costs to look at each of ten million rows.
WHOLE = TEN_MILLION * 0.01
# Reads the pages of a stretch of time, of which the sample has few.
BY_PAGES = {"finished"}
