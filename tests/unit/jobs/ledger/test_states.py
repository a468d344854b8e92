"""The states: which are final, and that the drawing and the code know the same ones."""

import re
from pathlib import Path

from jobs.ledger import states
from jobs.ledger.models import DeadLetter, Job
from jobs.ledger.states import FINAL, WAITING, State

SQL = Path(states.__file__).parent / "sql"
ARROWS = "enqueue publish hold_back claim give_back settle retry bury release stop cancel"
WRITERS = {*ARROWS.split(), "replay", "discard", "restore", "settle_many", "enqueue_one"}


def test_every_state_waits_runs_or_is_final():
    assert {*FINAL, *WAITING, State.RUNNING} == set(State)
    assert not set(FINAL) & set(WAITING)


def test_the_drawing_shows_every_state():
    drawn = states.__doc__ or ""

    assert [state for state in State if state.value not in drawn] == []


def test_only_the_arrows_write_the_state_of_a_job():
    set_state = r"UPDATE jobs_job\b( j)?\s+SET((?!\b(WHERE|FROM)\b).)*?\bstate = "
    writes = re.compile(f"{set_state}|INSERT INTO jobs_job ", re.DOTALL)

    found = {one.stem for one in SQL.glob("*.sql") if writes.search(without_comments(one))}

    assert found == WRITERS


def test_every_statement_opens_with_what_it_promises():
    promised = ("-- parameters", "-- result", "-- locks", "-- cost")

    for one in SQL.glob("*.sql"):
        text = one.read_text()
        assert text.startswith(f"-- {one.stem}: "), one
        assert [part for part in promised if part not in text] == [], one


def test_reasons_fit_into_their_columns():
    for model in (Job, DeadLetter):
        width = model._meta.get_field("reason").max_length
        assert [reason for reason in states.Reason if len(reason) > width] == []


def without_comments(file: Path) -> str:
    return re.sub(r"--.*", "", file.read_text())
