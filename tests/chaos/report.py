"""One line for each drill, as a pytest plugin: `-p tests.chaos.report`."""

import os
from dataclasses import dataclass, field

import pytest

SEED = os.environ.get("SEED", "1")
PROPERTY = "drill"


@dataclass
class Drill:
    """Where a drill says what it counted. Plain values: xdist carries them to the first process."""

    said: list[str] = field(default_factory=list)

    def says(self, what: object) -> None:
        """Add to its line."""
        self.said.append(str(what))


class Lines:
    """Writes the lines as the drills end, and what pytest tells of the red ones after them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: dict[str, float] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """No dots between the lines."""
        return report.outcome if report.when == "call" or report.failed else "", "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A drill that fails in its set-up, or when it is cleared away, is red as well."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0) + report.duration
        if report.failed or report.when == "call":
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            reporter.write_line(_line(report, self._seconds[report.nodeid]))


def pytest_configure(config: pytest.Config) -> None:
    """In the process that talks to the person only."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lines(config), "drill-lines")


def _line(report: pytest.TestReport, seconds: float) -> str:
    name, said = dict(report.user_properties).get(PROPERTY, (report.nodeid, []))
    outcome = "ok" if report.passed else "RED"
    return f"{name:<42} seed {SEED}  {outcome:<3} {seconds:6.1f} s  {'; '.join(said)}"
