"""A report through the API: made when it is first asked for, then led to by a link."""

from jobs.families.transfers.models import Import
from tests.factories import tenancy as make
from tests.factories.api import Caller
from tests.factories.imports import csv, line, uploaded
from tests.integration.jobs.transfers.imports.conftest import Until
from tests.waiting import eventually


def _planned(until: Until) -> tuple[Caller, Import]:
    own = make.organization()
    mission = make.mission(make.project(own)).reference
    rows = [line("E-1", mission), line("E-2", mission, title='"<b>,=1+1"', starts_at="tomorrow")]
    of = until(uploaded(csv(*rows), of=own), "validated")
    return Caller.of(own), of


def test_the_bad_rows_come_back_by_a_link_with_what_is_wrong(until: Until) -> None:
    caller, of = _planned(until)

    def led_to() -> str:
        answered = caller.get(f"/imports/{of.pk}/report?which=bad")
        assert answered.status_code in (202, 307), answered.content
        return answered["Location"] if answered.status_code == 307 else ""

    address = eventually(led_to, within=30)
    served = caller.get(address.removeprefix(caller.address("")))

    assert served["Content-Disposition"].startswith("attachment")
    text = b"".join(served.streaming_content).decode()
    assert "tomorrow" in text
    assert "E-1" not in text


def test_a_report_of_what_was_committed_waits_for_a_commit(until: Until) -> None:
    caller, of = _planned(until)

    refused = caller.get(f"/imports/{of.pk}/report?which=committed")

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


def test_a_viewer_takes_no_report(until: Until) -> None:
    caller, of = _planned(until)
    viewer = Caller.of(caller.organization, role="viewer")

    assert viewer.get(f"/imports/{of.pk}/report").status_code == 403
