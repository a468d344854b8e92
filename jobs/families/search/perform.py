"""The actors of the indexing jobs."""

from jobs.execution.in_hand import in_hand
from jobs.execution.job import Run
from jobs.families.search.backends import Outcome, Result
from jobs.families.search.documents import Key
from jobs.families.search.errors import DocumentRefused
from jobs.families.search.folding import Folding
from jobs.families.search.index import index
from jobs.families.search.requests import INDEX_ONE, IndexBatch, IndexOne
from jobs.ledger.transitions import Claimed

_KINDS = {name: kind for kind, name in INDEX_ONE.items()}

folding = Folding(index)


def index_one(run: Run[IndexOne]) -> None:
    """One document, with those of its organization that this worker has in hand besides."""
    outcome = folding.outcome(run.job, _key_of, in_hand.claimed())
    if outcome is not None:
        _check({_required_key(run.job): outcome})


def index_batch(run: Run[IndexBatch]) -> None:
    """Documents whose versions were counted together."""
    payload = run.payload
    outcomes = index(run.organization_id, [(payload.kind, one) for one in payload.entity_ids])
    _check(outcomes)


def _check(outcomes: dict[Key, Outcome]) -> None:
    for key, outcome in outcomes.items():
        if outcome.result == Result.REFUSED:
            raise DocumentRefused(key, outcome.reason)


def _key_of(job: Claimed) -> Key | None:
    """Of a job as it stands in the ledger, whose payload may be anything until it is checked."""
    kind, entity_id = _KINDS.get(job.job_type), job.payload.get("entity_id")
    return (kind, entity_id) if kind and type(entity_id) is int else None


def _required_key(job: Claimed) -> Key:
    key = _key_of(job)
    assert key is not None  # its payload was checked before it ran
    return key
