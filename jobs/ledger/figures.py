"""Numbers about the whole ledger, for alerts and metrics; in the engine's scope, a transaction."""

from datetime import datetime, timedelta
from typing import Any

from jobs.ledger.statements import run


def finished(since: datetime, until: datetime) -> list[dict[str, Any]]:
    """How the attempts that ended in this time ended; see finished.sql for the columns."""
    return run("finished", {"since": since, "until": until})


def relay_lag() -> timedelta:
    """For how long the oldest job that ought to be in Redis is not there."""
    [row] = run("relay_lag", {})
    return timedelta(seconds=row["seconds"])


def alive(lease: timedelta) -> dict[str, int]:
    """Processes that were seen within the lease, by the groups that they serve."""
    return {row["queue_group"]: row["processes"] for row in run("alive", {"lease": lease})}
