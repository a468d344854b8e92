"""A moment that is put together from familiar parts is the one that would have been read."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.families.transfers.rules.familiar import Familiar
from jobs.families.transfers.rules.moments import Clock, NotAMoment


def answer(read, text: str) -> str | None:
    try:
        return read(text)
    except NotAMoment:
        return None


@pytest.fixture
def berlin():
    """A way of reading, and the texts that were not familiar to it."""
    clock, unfamiliar = Clock(format="YYYY-MM-DD", zone=ZoneInfo("Europe/Berlin")), []

    def read(text):
        unfamiliar.append(text)
        return clock.read(text)

    return Familiar(clock.zone, read).way(), unfamiliar


@pytest.mark.parametrize("ambiguous", [None, "earlier", "later"])
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("Asia/Kathmandu", "2026-03-29"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("Antarctica/Troll", "2026-10-25"),
        ("Africa/Casablanca", "2026-02-15"),
        ("Pacific/Apia", "2011-12-30"),
        ("Pacific/Kwajalein", "1969-09-30"),
        ("America/Caracas", "2007-12-09"),
        ("Asia/Pyongyang", "2018-05-04"),
    ],
)
def test_around_a_change_of_the_clocks_it_is_what_the_zone_says(zone, day, ambiguous):
    clock = Clock(format="YYYY-MM-DD", zone=ZoneInfo(zone), ambiguous=ambiguous)
    way = Familiar(clock.zone, clock.read).way()
    first = datetime.fromisoformat(day) - timedelta(days=1)
    texts = [f"{first + timedelta(minutes=5 * step):%Y-%m-%d %H:%M}" for step in range(3 * 288)]
    texts += [f"{text}Z" for text in texts]

    assert [answer(way, text) for text in texts * 2] == [answer(clock.read, t) for t in texts * 2]


def test_what_has_a_known_hour_and_known_minutes_is_not_read_again(berlin):
    way, unfamiliar = berlin
    way("2026-01-01 10:30")
    way("2026-01-01 11:45")
    way("2026-01-01T10:30:00Z")
    way("2026-01-01T11:45:00Z")
    seen = len(unfamiliar)

    assert way("2026-01-01 10:45") == "2026-01-01T09:45:00+00:00"
    assert way("2026-01-01T10:45:00Z") == "2026-01-01T10:45:00+00:00"
    assert len(unfamiliar) == seen


@pytest.mark.parametrize(
    "text", ["2026-01-01", "2026-01-01 10:30Z", "2026-01-01 10:30+01:00", "2026-01-01 10:30:00"]
)
def test_a_text_of_another_shape_is_read(berlin, text):
    way, unfamiliar = berlin
    way("2026-01-01 10:30")
    way(text)

    assert unfamiliar == ["2026-01-01 10:30", text]


@pytest.mark.parametrize("text", ["", "10:30", "2026-01-01 10", "2026-01-01 1:30"])
def test_nothing_is_put_together_that_is_no_date(berlin, text):
    way, _ = berlin
    way("2026-01-01 10:30")

    with pytest.raises(NotAMoment):
        way(text)
