import pytest

from benchmarks.tail import demands, fair_shares, jain


def test_nobody_gets_more_than_is_wanted_and_the_rest_goes_to_the_others() -> None:
    assert fair_shares([1.0, 10.0, 10.0], 9.0) == [1.0, 4.0, 4.0]


def test_all_get_what_they_want_where_there_is_enough() -> None:
    assert fair_shares([3.0, 1.0], 10.0) == [3.0, 1.0]


@pytest.mark.parametrize(
    ("values", "index"), [([2.0, 2.0, 2.0], 1.0), ([1.0, 0.0, 0.0, 0.0], 0.25), ([0.0], 0.0)]
)
def test_the_index_tells_equal_from_unequal(values: list[float], index: float) -> None:
    assert jain(values) == pytest.approx(index)


def test_the_load_has_a_heavy_tail_and_is_the_same_at_each_run() -> None:
    drawn = demands(1000, seed=1, seconds=5.0)
    seconds = sorted(demand.seconds for demand in drawn)

    assert drawn == demands(1000, seed=1, seconds=5.0)
    assert sum(seconds[-100:]) > sum(seconds[:900])
