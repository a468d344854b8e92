"""What the workers count of indexing; docs/operate/metrics-and-logs.md prints the table."""

from collections.abc import Iterable

from prometheus_client import Counter, Histogram

from jobs.families.search.backends import Outcome

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

_freshness = Histogram(
    "search_freshness_seconds",
    "From the moment a document changed to the moment it could be found so.",
    buckets=_SECONDS,
)
_documents = Counter(
    "search_documents_total", "Documents given to the index, by what became of them.", ["outcome"]
)


def observe(outcomes: Iterable[Outcome], seconds: Iterable[float]) -> None:
    """One bulk write has ended; how long each change in it took to be found."""
    for outcome in outcomes:
        _documents.labels(outcome.result.value).inc()
    for one in seconds:
        _freshness.observe(one)
