"""The actors of the indexing jobs."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from jobs.execution.in_hand import in_hand
from jobs.execution.job import Run
from jobs.families.search.backends import Outcome, Result
from jobs.families.search.documents import Key
from jobs.families.search.errors import DocumentRefused
from jobs.families.search.folding import Folding
from jobs.families.search.index import MOST_DOCUMENTS, index
from jobs.families.search.requests import INDEX_ONE, IndexBatch, IndexOne
from jobs.ledger.models import Job

_KINDS = {name: kind for kind, name in INDEX_ONE.items()}

SEVERAL = 4
"""Jobs of one organization in hand: then it is worth looking who stands behind them."""

folding = Folding(index)


def index_one(run: Run[IndexOne]) -> None:
    """One document, with those of its organization whose jobs wait besides."""
    of, payload = run.organization_id, run.payload
    key = (_KINDS[run.job.job_type], payload.entity_id)
    outcome = folding.outcome(of, key, payload.version, lambda: _others(run))
    if outcome is not None:
        _check({key: outcome})


def index_batch(run: Run[IndexBatch]) -> None:
    """Documents whose versions were counted together."""
    payload = run.payload
    outcomes = index(run.organization_id, [(payload.kind, one) for one in payload.entity_ids])
    _check(outcomes)


def _check(outcomes: dict[Key, Outcome]) -> None:
    for key, outcome in outcomes.items():
        if outcome.result == Result.REFUSED:
            raise DocumentRefused(key, outcome.reason)


def _others(run: Run[IndexOne]) -> set[Key]:
    """What this worker has in hand; if that is several, more of them stand in line."""
    claimed = in_hand.claimed()
    mine = [one for one in claimed if one.organization_id == run.organization_id]
    keys = _keys((one.job_type, one.payload) for one in mine)
    if len(keys) < SEVERAL:
        return keys
    waiting = Job.objects.filter(
        organization_id=run.organization_id, state="queued", job_type__in=_KINDS
    )
    with run.transaction():
        rows = list(waiting.order_by("id").values_list("job_type", "payload")[:MOST_DOCUMENTS])
    return set(islice(keys | _keys(rows), MOST_DOCUMENTS - 1))


def _keys(jobs: Iterable[tuple[str, Mapping[str, Any]]]) -> set[Key]:
    """Of jobs as they stand in the ledger, whose payload may be anything until it is checked."""
    return {
        (_KINDS[job_type], payload["entity_id"])
        for job_type, payload in jobs
        if job_type in _KINDS and type(payload.get("entity_id")) is int
    }
