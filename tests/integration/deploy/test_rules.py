"""Prometheus' rules on the recorded curves, judged by Prometheus' own code."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from jobs.alerts.conditions import Kind
from tests import promtool
from tests.factories.curves import CURVES, Curve
from tests.factories.promtool import RULES, file_of, rules


def judged(curves: list[Curve], folder: Path) -> subprocess.CompletedProcess[str]:
    """What promtool says to them."""
    file = folder / "curves.yml"
    file.write_text(yaml.safe_dump(file_of(curves), sort_keys=False))
    return subprocess.run(
        [promtool.executable(), "test", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_rules_are_rules() -> None:
    checked = subprocess.run(
        [promtool.executable(), "check", "rules", "--lint-fatal", str(RULES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_every_condition_of_ours_is_a_rule_too() -> None:
    assert set(rules()) == set(Kind.values)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_an_alert_fires_in_exactly_the_minutes_in_which_it_must(
    curve: Curve, tmp_path: Path
) -> None:
    done = judged([curve], tmp_path)

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[:4000]


def test_an_alert_that_is_expected_a_minute_early_is_missed(tmp_path: Path) -> None:
    """That promtool looks at all."""
    curve = next(one for one in CURVES if one.name == "no worker")
    early = replace(curve.lives[0], opens=curve.lives[0].opens - 1)

    assert judged([replace(curve, lives=[early])], tmp_path).returncode != 0
