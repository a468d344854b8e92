"""The issues of a file have a limit of bytes: a small file cannot fill the disk of a worker."""

import json

import pytest
from django.db import transaction

from jobs.families.transfers.files.issues import Issue, Refused
from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import issue_log
from jobs.families.transfers.imports.issue_log import IssueLog
from tenancy import changes
from tenancy.scope import scope
from tests.factories import mission
from tests.factories.imports import csv, decide, line, uploaded


def issue(row: int) -> Issue:
    return Issue(level="row", code="choice", message="x" * 100, row=row, column="kind")


def test_what_would_be_more_than_the_limit_is_not_written(tmp_path, settings):
    settings.IMPORTS_MAX_ISSUE_BYTES = 10_000
    log = IssueLog(tmp_path)

    with pytest.raises(Refused) as refused:
        log.add([issue(row) for row in range(1, 1_000)])

    assert refused.value.issue.code == "too_many_issues"
    assert refused.value.issue.detail["most"]["code"] == "choice"
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 10_000


def test_what_comes_at_the_end_counts_too(tmp_path, settings):
    settings.IMPORTS_MAX_ISSUE_BYTES = 10_000
    log = IssueLog(tmp_path)
    log.add([issue(row) for row in range(1, 50)])

    with pytest.raises(Refused):
        log.close(issue(row) for row in range(1, 50))


def test_all_below_the_limit_are_there_in_the_order_of_the_file(tmp_path):
    log = IssueLog(tmp_path)
    log.add([issue(2), issue(4)])

    log.close([issue(3)])

    lines = log.path.read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == [2, 3, 4]
    assert log.counts == [{"level": "row", "code": "choice", "column": "kind", "count": 3}]


@pytest.mark.django_db(transaction=True)
def test_a_file_with_more_issues_is_refused_with_the_most_frequent_one(until, settings):
    settings.IMPORTS_MAX_ISSUE_BYTES = 5_000
    there = mission()
    rows = [line(f"E-{n}", there.reference, kind="taks") for n in range(100)]

    of = until(uploaded(csv(*rows), of=there.organization), "rejected", "validated", "stopped")

    assert (of.state, of.reason) == ("rejected", "too_many_issues")
    assert of.problem["detail"]["limit_bytes"] == 5_000
    assert of.problem["detail"]["most"]["code"] == "choice"


@pytest.mark.django_db(transaction=True)
def test_a_commit_stops_where_more_fails_than_is_kept(validated, until, monkeypatch):
    """The plan let them pass; by now what they refer to has another name."""
    monkeypatch.setattr(issue_log, "MOST_IN_DATABASE", 5)
    there = mission()
    of = validated(csv(*(line(f"E-{n}", there.reference) for n in range(6))), of=there.organization)
    with scope(there.organization), transaction.atomic():
        changes.update(there, reference=f"{there.reference}-other")

    of = until(decide(doors.approve, of), "stopped", "completed")

    assert (of.state, of.reason) == ("stopped", "too_many_issues")
    assert of.problem["detail"] == {"limit": 5, "found": 6}
    assert of.checkpoint_chunk == 0
