import pytest

from jobs.broker.prefetch import Prefetch


@pytest.fixture
def prefetch():
    """Of a worker of eight threads."""
    return Prefetch(16)


def after(prefetch, seconds, times=200):
    for _ in range(times):
        prefetch.note(seconds)
    return prefetch


def test_it_begins_with_what_dramatiq_asks_for(prefetch):
    assert prefetch.capacity == 16


def test_short_messages_are_fetched_far_ahead_and_many_at_a_time(prefetch):
    after(prefetch, 0.000_02)

    assert (prefetch.capacity, prefetch.batch) == (64, 28)


def test_of_slow_messages_none_waits_here(prefetch):
    after(prefetch, 5)

    assert (prefetch.capacity, prefetch.batch) == (8, 1)


def test_in_between_some_milliseconds_of_work_are_ahead(prefetch):
    after(prefetch, 0.010)

    assert prefetch.ahead == 16


def test_it_follows_messages_that_become_slow(prefetch):
    after(prefetch, 0.000_02)
    after(prefetch, 5, times=1)

    assert prefetch.capacity == 8


def test_one_at_a_time_stays_one_at_a_time():
    assert after(Prefetch(1), 0.000_02).capacity == 1
