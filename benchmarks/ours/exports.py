"""One export of organization 1, written as the job writes it, in a process of its own.

write FORMAT    snapshot → COPY → format → a folder; prints rows, seconds, peak memory
bare            COPY of the whole table to this process, which throws it away
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import django
import psycopg

django.setup()

from jobs.families.transfers.exports.snapshot import snapshot  # noqa: E402
from jobs.families.transfers.exports.statement import SOURCES, query  # noqa: E402
from jobs.families.transfers.exports.write import encoded  # noqa: E402
from jobs.families.transfers.store import FileStore  # noqa: E402
from tenancy.scope import scope  # noqa: E402

ORGANIZATION = 1


def write(format_name: str) -> dict[str, float]:
    """The whole timeline."""
    names = [one.name for one in SOURCES["timeline"].columns]
    asked = query("timeline", organization_id=ORGANIZATION, fields=names, filters={})
    store = FileStore(Path(os.environ["DATA_DIR"]) / "objects")
    began = time.monotonic()
    with scope(ORGANIZATION), snapshot(asked) as moment:
        store.put(f"org/{ORGANIZATION}/export", encoded(format_name, moment))
    return _figures(moment.rows, began)


def bare() -> dict[str, float]:
    """What PostgreSQL can do: no scope, no order, no join, no file."""
    rows = 0
    with psycopg.connect(os.environ["BARE_URL"]) as connection, connection.cursor() as cursor:
        began = time.monotonic()
        with cursor.copy("COPY tenancy_timelineentry TO STDOUT") as copy:
            for _ in copy:
                rows += 1
    return _figures(rows, began)


def _figures(rows: int, began: float) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "seconds": time.monotonic() - began, "peak_mib": peak}


if __name__ == "__main__":
    print(json.dumps(bare() if sys.argv[1] == "bare" else write(sys.argv[2])))
