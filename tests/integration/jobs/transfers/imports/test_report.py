"""The files that people download: the rows as they were, with what became of each."""

import pytest
from django.db import transaction
from django.test import Client

from jobs.families.transfers.imports import decide as doors
from jobs.families.transfers.imports import files, issue_log, report
from jobs.families.transfers.imports.errors import WrongState
from jobs.families.transfers.store import store
from tenancy.access import Actor
from tenancy.acting import acting
from tenancy.scope import scope
from tests import factories
from tests.factories.imports import HEADER, csv, decide, import_row, line, now, uploaded
from tests.integration.jobs.transfers.imports.holding import held
from tests.integration.jobs.transfers.imports.looking import actions, plan
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


def link(of, which: str) -> str:
    with (
        scope(of.organization_id),
        transaction.atomic(),
        acting(Actor.parse(of.actor_id), source="web"),
    ):
        return report.link(now(of), which)


def made(of, which: str) -> list[str]:
    """The lines of a report, once it is there."""
    eventually(lambda: which in now(of).reports, within=30)
    return b"".join(store().open(files.report(now(of), which))).decode().splitlines()


def test_bad_rows_come_back_as_they_were_and_are_imported_once_mended(validated):
    mission = factories.mission()
    bad = line("E-1", mission.reference, kind="taks", title="=1+1")
    of = validated(csv(line("E-0", mission.reference), bad), of=mission.organization)

    header, row = made(of, "bad")

    assert header.replace('"', "").startswith(HEADER)
    assert "E-1" in row
    assert "'=1+1" in row
    mended = "\n".join([header, row.replace("taks", "task"), ""]).encode()
    assert plan(validated(mended, of=mission.organization)) == {"added": 1}


def test_70_a_cancelled_commit_has_three_files(validated, until, settings):
    settings.IMPORTS_CHUNK_ROWS = 5
    mission = factories.mission()
    rows = [line(f"E-{n:02}", mission.reference) for n in range(20)]
    rows[3] = line("E-03", mission.reference, kind="taks")
    of = validated(csv(*rows), of=mission.organization)
    with held(mission, "E-12"):
        of = decide(doors.approve, of)
        eventually(lambda: now(of).checkpoint_chunk >= 2, within=20)
    of = decide(doors.cancel, of)
    assert of.state == "cancelled"

    for which in report.OF_A_COMMIT:
        with scope(of.organization_id), transaction.atomic():
            report.work.send_report(now(of), which)
    found = {which: made(of, which)[1:] for which in report.OF_A_COMMIT}

    counts = {which: len(lines) for which, lines in found.items()}
    assert counts["failed"] == 1
    assert counts["committed"] == of.done["rows"]
    assert sum(counts.values()) == 20


def test_a_download_is_audited_and_given_to_nobody_else(validated):
    mission = factories.mission()
    bad = line("E-1", mission.reference, kind="taks")
    of = validated(csv(line("E-0", mission.reference), bad), of=mission.organization)
    made(of, "bad")

    assert link(of, "bad").startswith(f"/api/v1/organizations/{of.organization_id}/files/")
    assert actions(of)[-1] == "import.report_downloaded"


def test_a_person_opens_it_by_their_session_and_nobody_else(validated):
    mission = factories.mission()
    person, colleague = (factories.member(mission.organization, "owner") for _ in range(2))
    bad = line("E-1", mission.reference, kind="taks")
    of = validated(csv(bad), of=mission.organization, by=person)
    made(of, "bad")
    address = link(of, "bad")
    browsers = [Client(), Client()]
    for browser, who in zip(browsers, (person, colleague), strict=True):
        browser.force_login(who)

    mine, theirs = (browser.get(address) for browser in browsers)

    assert (mine.status_code, theirs.status_code) == (200, 404)
    assert b"taks" in b"".join(mine.streaming_content)


def test_nothing_is_reported_before_there_is_a_plan(until):
    of = until(uploaded(b""), "rejected")

    with pytest.raises(WrongState):
        link(of, "all")


def test_a_report_that_took_too_long_is_kept_by_nobody(validated, folder, monkeypatch):
    mission = factories.mission()
    rows = [line("E-0", mission.reference), line("E-1", mission.reference, kind="taks")]
    of = validated(csv(*rows), of=mission.organization)
    made(of, "bad")
    cancelled = []

    def meanwhile(path):
        """Just before it is stored, somebody cancels the import."""
        cancelled.append(decide(doors.cancel, of))
        yield from issue_log.read(path)

    monkeypatch.setattr(report, "read", meanwhile)
    with scope(of.organization_id), transaction.atomic():
        report.work.send_report(now(of), "all")

    eventually(lambda: cancelled and not list((folder / files.reports(of)).rglob("all-*")))
    assert now(of).reports == {}


def test_two_who_make_one_report_never_write_over_each_other():
    of = import_row(factories.organization(), state="mapped", turn=3)

    once, twice = (files.new_report(of, "bad") for _ in range(2))

    assert once != twice
    assert once.startswith(f"{files.reports(of)}3/")
