"""A suspect runs alone, as far as everybody's patience goes."""

from threading import Event, Thread

import pytest

from jobs.execution.suspects import Company


@pytest.fixture
def company():
    return Company(patience_seconds=60)


@pytest.fixture
def impatient():
    return Company(patience_seconds=0.05)


class Job(Thread):
    """Enters, and stays until it is told to leave."""

    def __init__(self, enter):
        super().__init__(daemon=True)
        self.enter, self.entered, self.may_leave, self.answer = enter, Event(), Event(), None
        self.start()

    def run(self):
        with self.enter() as self.answer:
            self.entered.set()
            self.may_leave.wait(20)

    def leave(self):
        self.may_leave.set()
        self.join(20)


def test_others_run_beside_each_other(company):
    one, other = Job(company.together), Job(company.together)

    assert one.entered.wait(20)
    assert other.entered.wait(20)
    one.leave()
    other.leave()


def test_a_suspect_waits_for_those_who_run(company):
    one = Job(company.together)
    one.entered.wait(20)

    suspect = Job(company.alone)
    assert not suspect.entered.wait(0.05)
    one.leave()

    assert suspect.entered.wait(20)
    suspect.leave()


def test_nobody_begins_while_a_suspect_waits_or_runs(company):
    one = Job(company.together)
    one.entered.wait(20)
    suspect = Job(company.alone)

    late = Job(company.together)
    assert not late.entered.wait(0.05)
    one.leave()
    assert suspect.entered.wait(20)
    assert not late.entered.is_set()
    suspect.leave()

    assert late.entered.wait(20)
    late.leave()


def test_a_second_suspect_is_sent_away(company):
    first = Job(company.alone)
    first.entered.wait(20)

    with company.alone() as may_enter:
        assert not may_enter

    assert first.answer
    first.leave()
    with company.alone() as may_enter:
        assert may_enter


def test_a_long_suspect_does_not_stand_before_everybody(impatient):
    suspect = Job(impatient.alone)
    suspect.entered.wait(20)

    late = Job(impatient.together)

    assert late.entered.wait(20)
    late.leave()
    suspect.leave()


def test_a_long_job_does_not_stand_before_a_suspect(impatient):
    one = Job(impatient.together)
    one.entered.wait(20)

    suspect = Job(impatient.alone)

    assert suspect.entered.wait(20)
    suspect.leave()
    one.leave()


@pytest.mark.parametrize("enter", ["together", "alone"])
def test_who_breaks_off_leaves_all_the_same(company, enter):
    with pytest.raises(RuntimeError), getattr(company, enter)():
        raise RuntimeError

    with company.alone() as may_enter:
        assert may_enter
