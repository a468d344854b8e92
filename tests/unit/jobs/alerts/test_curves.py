"""The scheduler's conditions on the recorded curves; Prometheus' rules see the same ones."""

import pytest

from tests.factories.curves import CURVES, Curve, judge_all


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_an_alert_is_open_in_exactly_the_minutes_in_which_it_must_be(curve: Curve) -> None:
    for judged in judge_all(curve):
        expected = {
            life.subject for life in curve.lives if life.opens <= judged.minute < life.closes
        }
        assert judged.open == expected, f"minute {judged.minute}"
