"""Every statement of the ledger finds its rows by an index, whatever the tables hold.

With sequential scans forbidden PostgreSQL plans one only where no index can serve, and an index is
then walked whole only where nothing narrows it. Both fail here: at ten million jobs it is seconds.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction

from jobs.ledger import statements
from tenancy.scope import engine_scope, scope
from tests.factories import organization

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(statements.__file__).parent / "sql"
BIG = {"jobs_job", "jobs_attempt", "jobs_deadletter", "jobs_idempotencykey"}

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
EACH = {"fences": [1, 2], "ran": [LONG, LONG]}

GIVEN = {
    "alive": {"lease": LONG},
    "beat": WORKER | {"begun": PAIRS["job_ids"], "ran": EACH["ran"]},
    "asked_to_end": {"job_ids": PAIRS["job_ids"], "worker_id": "w"},
    "begin_effect": FENCED | {"effect_id": "e"},
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
    | {"queue_group": "g", "max_attempts": 1, "policy_version": "v", "only_unlimited": False},
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


def test_every_statement_is_looked_at():
    assert set(GIVEN) == {file.stem for file in FOLDER.glob("*.sql")}


@pytest.mark.parametrize("name", GIVEN)
def test_a_statement_reads_no_big_table_whole(name):
    of = organization()
    as_engine = engine_scope() if _is_the_engines(name) else scope(of)
    with as_engine, transaction.atomic(), connection.cursor() as cursor:
        # Joins look up one by one, as they do where the tables are large and the batch is not.
        others = ("indexscan", "indexonlyscan") if name in BY_PAGES else ()
        for way in ("seqscan", "hashjoin", "mergejoin", *others):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {(FOLDER / f'{name}.sql').read_text()}", GIVEN[name])
        [(plan,)] = cursor.fetchall()

    whole = plan if isinstance(plan, list) else json.loads(plan)
    walked = WALKED.get(name, set())
    found = [
        node
        for node in _nodes(whole[0]["Plan"])
        if _reads_all(node) and node.get("Index Name") not in walked
    ]
    assert not found, found


KEPT = ("claim", "lock", "settle", "settle_many")


@pytest.mark.parametrize("name", KEPT)
def test_a_plan_that_is_kept_looks_jobs_up_one_by_one(name):
    """It may be made while the table is empty: all of an organization is as good as a row then."""
    of = organization()
    with scope(of), transaction.atomic(), connection.cursor() as cursor:
        for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            cursor.execute(f"SET LOCAL {setting} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {(FOLDER / f'{name}.sql').read_text()}", GIVEN[name])
        [(plan,)] = cursor.fetchall()

    whole = plan if isinstance(plan, list) else json.loads(plan)
    scans = [one for one in _nodes(whole[0]["Plan"]) if one.get("Relation Name") == "jobs_job"]
    found = [one for one in scans if "Scan" in one["Node Type"] and not _names_a_row(one)]
    assert not found, [(one["Index Name"], one.get("Index Cond")) for one in found]


def _names_a_row(node):
    return re.search("(?<!organization_)id = ", node.get("Index Cond", ""))


ENGINES = (
    "alive", "beat", "breaker_drain", "breaker_forget", "breaker_probe", "bury_message", "confirm",
    "finished", "held", "in_line", "mend_", "misfits", "not_in_line", "publish", "relay_lag",
    "remove_", "sign_off", "unhold",
)  # fmt: skip


# Served by a BRIN index, which a small table does better without.
BY_PAGES = {"finished"}


def _is_the_engines(name):
    return name.startswith(ENGINES)


def _nodes(node):
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


# All entries of these are wanted, or so few are there, while tables are empty, that it is the same.
PARTIAL = {
    "deadletter_handled", "deadletter_open_once_per_job", "job_behind_breaker", "job_due",
    "job_held", "job_in_line", "job_unpublished",
}  # fmt: skip

# It wants all that is dead and all that runs: of the indexes of what has not succeeded, any serves.
WALKED = {"misfits": {"job_by_group", "job_by_organization", "job_by_state"}}


def _reads_all(node):
    if node.get("Relation Name") not in BIG or "Scan" not in node["Node Type"]:
        return False
    if node["Node Type"] == "Seq Scan":
        return True
    is_narrowed = "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan"
    return not is_narrowed and node.get("Index Name") not in PARTIAL
