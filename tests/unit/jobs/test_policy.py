"""A policy is checked where it is declared, and says how long to wait."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import ImpossibleDeclaration
from jobs.job_types import Policy

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

IMPOSSIBLE = {
    "max_retries must not be negative": {"max_retries": -1},
    "time_limit must be positive": {"max_retries": 0, "time_limit": timedelta(0)},
    "not both": {
        "max_retries": 1,
        "delays": (SECOND,),
        "backoff_base": SECOND,
        "backoff_cap": SECOND,
    },
    "one wait per retry": {"max_retries": 3, "delays": (SECOND, SECOND)},
    "retries need backoff_base or delays": {"max_retries": 1},
    "at least backoff_base": {"max_retries": 1, "backoff_base": MINUTE, "backoff_cap": SECOND},
    "waits must not be negative": {"max_retries": 1, "delays": (-SECOND,)},
    "jitter must lie between": {"max_retries": 0, "jitter": 1.5},
    "backoff_base is None: give a timedelta": {"max_retries": 1, "backoff_base": None},
    "time_limit is 60: give a timedelta": {"max_retries": 0, "time_limit": 60},
}


def backing_off(**changes) -> Policy:
    return Policy(**({"max_retries": 12, "backoff_base": SECOND, "backoff_cap": MINUTE} | changes))


@pytest.mark.parametrize(("rule", "declaration"), IMPOSSIBLE.items())
def test_an_impossible_policy_is_refused_with_the_rule_it_breaks(rule, declaration):
    with pytest.raises(ImpossibleDeclaration, match=rule):
        Policy(**declaration)


def test_a_policy_that_breaks_two_rules_hears_of_both():
    with pytest.raises(ImpossibleDeclaration) as refused:
        Policy(max_retries=-1, jitter=2)

    assert "max_retries" in str(refused.value)
    assert "jitter" in str(refused.value)


def test_negative_backoff_is_refused():
    with pytest.raises(ImpossibleDeclaration, match="waits must not be negative"):
        Policy(max_retries=1, backoff_base=-SECOND)


def test_a_policy_without_retries_needs_no_waits():
    assert Policy(max_retries=0).max_attempts == 1


@given(retry=st.integers(min_value=1, max_value=10_000))
def test_backoff_lies_between_zero_and_its_ceiling(retry):
    ceiling = min(MINUTE, SECOND * 2 ** min(retry - 1, 10))

    waits = [backing_off().delay_before(retry) for _ in range(20)]

    assert all(timedelta(0) <= wait <= ceiling for wait in waits)


def test_backoff_spreads_over_the_whole_range():
    waits = sorted(backing_off().delay_before(6) for _ in range(500))

    assert waits[0] < SECOND * 32 * 0.1
    assert waits[-1] > SECOND * 32 * 0.9


def test_a_long_backoff_never_overflows():
    policy = backing_off(backoff_base=timedelta(days=30), backoff_cap=timedelta(days=365))

    assert policy.delay_before(10_000) <= timedelta(days=365)


def test_listed_delays_are_kept_in_order_within_their_jitter():
    policy = Policy(max_retries=3, delays=(SECOND, MINUTE, MINUTE * 30), jitter=0.2)

    for retry, listed in enumerate(policy.delays, start=1):
        waits = [policy.delay_before(retry) for _ in range(100)]
        assert listed * 0.8 <= min(waits) < max(waits) <= listed * 1.2


def test_listed_delays_without_jitter_are_exact():
    policy = Policy(max_retries=2, delays=(SECOND, MINUTE), jitter=0)

    assert [policy.delay_before(retry) for retry in (1, 2, 3)] == [SECOND, MINUTE, MINUTE]


def test_the_scale_shortens_every_wait(settings):
    settings.JOBS_RETRY_SCALE = 0.0

    assert backing_off().delay_before(5) == timedelta(0)


def test_the_version_changes_with_the_policy_and_only_then():
    assert backing_off().version == backing_off().version
    assert backing_off().version != backing_off(max_retries=11).version
