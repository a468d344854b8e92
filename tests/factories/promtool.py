"""What Prometheus would have seen of a recorded curve, and what its rules must make of it, as a
test file for promtool.

The samples come from the exporter's own functions, a scrape a minute; a series that a scrape leaves
out is stale there, as in a real Prometheus.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.core import Metric

from jobs.alerts.conditions import recent_attempts
from jobs.gauges import Ledger, named, of_attempts, of_ledger, of_queues
from tests.factories.curves import MINUTES, Curve, Judged, Life, judge_all

RULES = Path(__file__).resolve().parents[2] / "deploy/prometheus/jobs.rules.yml"


def rules() -> dict[str, Any]:
    """The alerting rules, by the kind of alert that they stand for."""
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["labels"]["alert"]: rule for rule in group["rules"] if "alert" in rule["labels"]}


def file_of(curves: list[Curve]) -> dict[str, Any]:
    """The test file: one test for each curve, which looks at every rule in every minute."""
    return {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": _series(curve),
                "alert_rule_test": list(_expected(curve)),
            }
            for curve in curves
        ],
    }


def _series(curve: Curve) -> list[dict[str, str]]:
    values: defaultdict[str, list[str]] = defaultdict(lambda: ["_"] * MINUTES)
    for judged in judge_all(curve):
        for metric in _scrape(curve, judged):
            for sample in metric.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
                values[f"{sample.name}{{{labels}}}"][judged.minute] = repr(float(sample.value))
    return [{"series": name, "values": " ".join(_with_ends(row))} for name, row in values.items()]


def _scrape(curve: Curve, judged: Judged) -> Iterator[Metric]:
    minute, picture = judged.minute, judged.picture
    attempts = recent_attempts(picture.now, picture.past)
    workers = {**curve.workers(minute), "scheduler": 1}
    yield from of_ledger(Ledger(workers=workers, relay_seconds=curve.relay_seconds(minute)))
    lines = dict(curve.lines(minute))
    names = named(judged.alerted, lines, attempts)
    yield from of_queues(lines, curve.totals(minute), names)
    yield from of_attempts(attempts, names)


def _with_ends(row: list[str]) -> Iterator[str]:
    """The first scrape without a sample ends a series; promtool would go on for five minutes."""
    before = "_"
    for value in row:
        yield "stale" if value == "_" != before else value
        before = value


def _expected(curve: Curve) -> Iterator[dict[str, Any]]:
    for kind, rule in rules().items():
        for minute in range(MINUTES):
            lives = [
                life
                for life in curve.lives
                if life.subject.kind == kind and life.opens <= minute < life.closes
            ]
            yield {
                "eval_time": f"{minute}m",
                "alertname": rule["alert"],
                "exp_alerts": [_alert(rule, life) for life in lives],
            }


def _alert(rule: dict[str, Any], life: Life) -> dict[str, Any]:
    labels = dict(rule["labels"])
    if life.subject.organization_id is not None:
        labels["organization_id"] = str(life.subject.organization_id)
    if life.subject.group:
        labels["queue_group"] = life.subject.group
    annotations = {
        name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)
        for name, text in rule["annotations"].items()
    }
    return {"exp_labels": labels, "exp_annotations": annotations}
