"""What `manage.py search` does, organization by organization, each in a transaction of its own."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import transaction

from audit.record import record
from jobs.families.search import generations, reindex
from jobs.families.search.compare import KINDS
from jobs.families.search.errors import ReindexUnderWay, SearchError
from jobs.families.search.models import SearchGeneration
from jobs.families.search.reconcile import reconcile
from jobs.management.operator import ordering
from tenancy import clock
from tenancy.models import SITE_ORGANIZATION_ID, Organization
from tenancy.scope import scope

VERBS = {
    "reindex": "have workers of `backfill` build new indexes, and move the readers over",
    "swap-back": "let readers use the index before again, which is kept for 24 hours",
    "check": "compare the live indexes with the database; exit status 1 where they differ",
    "status": "the generations of each index, and how far a reindex is",
}

COLUMNS = {
    "reindex": {"organization": "ORGANIZATION", "generation": "GENERATION", "outcome": "OUTCOME"},
    "swap-back": {"organization": "ORGANIZATION", "generation": "GENERATION"},
    "check": {"organization": "ORGANIZATION", "compared": "COMPARED"}
    | {kind: kind.upper() for kind in KINDS}
    | {"repaired": "REPAIRED"},
    "status": {
        "organization": "ORGANIZATION",
        "generation": "GENERATION",
        "state": "STATE",
        "done": "DONE",
        "total": "TOTAL",
        "per_second": "PER SECOND",
        "left_seconds": "LEFT",
        "checked_at": "CHECKED",
        "reason": "REASON",
    },
}

type Row = dict[str, Any]


def everyone() -> list[Organization]:
    """All that are active, by name; in an operator's scope."""
    return list(Organization.objects.filter(state="active").exclude(pk=SITE_ORGANIZATION_ID))


def follow(
    verb: str, organizations: Iterable[Organization], options: Mapping[str, Any]
) -> list[Row]:
    """Do it for each; raises SearchError where a single organization was named."""
    with _acting(options):
        return [row for of in organizations for row in _of_one(verb, of, options)]


def _of_one(verb: str, of: Organization, options: Mapping[str, Any]) -> Iterator[Row]:
    mine = {"organization": of.slug}
    with scope(of):
        match verb:
            case "reindex":
                yield mine | _reindex(of, options)
            case "swap-back":
                with transaction.atomic():
                    yield mine | _swap_back(of, options)
            case "check":
                yield mine | _check(of, options)
            case "status":
                with transaction.atomic():
                    for row in generations.of(of.pk).exclude(removed_at__isnull=False):
                        yield mine | _status(row)


def _reindex(of: Organization, options: Mapping[str, Any]) -> Row:
    """Of all at once: one that is under way already, or has nothing to go on with, is said so."""
    try:
        with transaction.atomic():
            if options["resume"]:
                row, outcome = reindex.resume(of.pk), "resumed"
            elif options["cancel"]:
                row, outcome = reindex.cancel(of.pk), "cancelled"
            else:
                row = reindex.start(of.pk, options["reason"], per_second=options["per_second"])
                outcome = "started"
    except SearchError as error:
        if options["organization"]:
            raise
        is_busy = isinstance(error, ReindexUnderWay)
        return {"generation": None, "outcome": "under way already" if is_busy else "nothing to do"}
    return {"generation": row.pk, "outcome": outcome, "job_id": row.job_id}


def _swap_back(of: Organization, options: Mapping[str, Any]) -> Row:
    generations.swap_back(of.pk)
    live = generations.live(of.pk)
    number = live.number if live else None
    detail = {"generation": number, "reason": options["reason"]}
    record("search.swapped_back", of, detail=detail)
    return {"generation": number}


def _check(of: Organization, options: Mapping[str, Any]) -> Row:
    found = reconcile(of.pk, repair=options["repair"])
    return {
        "compared": found.compared,
        **found.counts,
        "differences": found.differences,
        "repaired": found.repaired,
        "reindexing": found.reindexing,
    }


def _status(row: SearchGeneration) -> Row:
    told = {name: getattr(row, name) for name in ("state", "done", "total", "per_second", "reason")}
    seconds = (clock.now() - row.created_at).total_seconds()
    is_building = row.state == "building" and row.done
    return told | {
        "generation": row.pk,
        "left_seconds": round(seconds * (row.total - row.done) / row.done) if is_building else None,
        "created_at": row.created_at,
        "live_at": row.live_at,
        "drop_at": row.drop_at,
        "checked_at": row.checked_at,
        "drift": row.drift,
    }


def _acting(options: Mapping[str, Any]) -> AbstractContextManager[Any]:
    operator = options.get("operator")
    return ordering("manage.py search", operator) if operator else nullcontext()
