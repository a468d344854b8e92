import json

import pytest

from benchmarks.harness import (
    Contender,
    Options,
    Report,
    Unmeasured,
    as_json,
    figure,
    markdown,
    table,
)


@pytest.fixture
def report() -> Report:
    """Two systems, three rounds: ours takes twice as much each time, on a machine that slows."""
    report = Report("broker", Options(rounds=3))
    theirs, ours = iter([100.0, 50.0, 80.0]), iter([200.0, 100.0, 160.0])
    report.alternate(
        [
            Contender(name="theirs", measure=lambda: next(theirs), settings="as documented"),
            Contender(name="ours", measure=lambda: next(ours)),
        ]
    )
    return report


def test_the_json_line_is_one_object_of_the_documented_shape(report: Report) -> None:
    report.at_least("against theirs", report.ratio("ours", "theirs"), 1.5)

    found = json.loads(as_json([report], {"python": "3.13"}))

    assert {"benchmark", "machine", "versions", "rounds", "rows", "bars"} <= found.keys()
    assert (found["benchmark"], found["rounds"]) == ("broker", 3)
    assert found["rows"][0] == {
        "benchmark": "broker",
        "name": "theirs",
        "unit": "jobs/s",
        "median": 80.0,
        "low": 50.0,
        "high": 100.0,
        "values": [100.0, 50.0, 80.0],
        "settings": "as documented",
    }
    assert found["bars"] == [
        {
            "benchmark": "broker",
            "name": "against theirs",
            "value": 2.0,
            "unit": "×",
            "bar": "≥ 1.5 ×",
            "holds": True,
        }
    ]


def test_several_benchmarks_are_one_object_too(report: Report) -> None:
    other = Report("idle", Options(rounds=1))
    other.add("threads", 16, "")

    found = json.loads(as_json([report, other], {}))

    assert found["benchmark"] == "broker idle"
    assert [row["benchmark"] for row in found["rows"]] == ["broker", "broker", "idle"]


def test_a_ratio_is_taken_within_each_round(report: Report) -> None:
    # The medians alone would say 160 / 80 as well; shift one round and they would not.
    report.rows["theirs"].values = [100.0, 50.0, 160.0]
    report.rows["ours"].values = [200.0, 100.0, 160.0]

    assert report.ratio("ours", "theirs") == 2.0


def test_what_cannot_be_measured_is_reported_and_the_others_go_on() -> None:
    report = Report("broker", Options(rounds=1))

    def fail() -> float:
        raise Unmeasured("it has no wheel here")

    report.alternate(
        [Contender(name="broken", measure=fail), Contender(name="sound", measure=lambda: 1.0)]
    )
    report.at_least("against broken", report.ratio("sound", "broken"), 5)

    assert report.failures == ["broken: it has no wheel here"]
    assert list(report.rows) == ["sound"]
    assert report.bars == []


def test_a_bar_that_is_missed_says_so(report: Report) -> None:
    report.at_most("p99", 70.0, 60, "ms")

    assert not report.bars[0].holds
    assert "MISSED  p99  70.0 ms  ≤ 60 ms" in table(report)
    assert "| `broker` | p99 | 70.0 ms | ≤ 60 ms | ✗ |" in markdown([report])


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (45.67, "45.7"), (1.234, "1.23"), (0.0, "0")]
)
def test_a_figure_has_three_digits_that_matter(value: float, text: str) -> None:
    assert figure(value) == text
