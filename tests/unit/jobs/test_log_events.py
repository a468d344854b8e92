"""Every event that is logged stands in the table that people on call read."""

import re

from tests.servers import ROOT

TABLE = ROOT / "docs" / "operate" / "metrics-and-logs.md"
LOGGED = re.compile(r"\blog\.(?:info|warning|error|exception)\(\s*\"(\w+)\"")


def test_every_log_event_is_documented_and_every_documented_one_exists():
    logged = {
        event
        for app in ("audit", "jobs")
        for file in (ROOT / app).rglob("*.py")
        for event in LOGGED.findall(file.read_text())
    }
    documented = set(
        re.findall(r"^\| `(\w+)` \| (?:info|warning|error) \|", TABLE.read_text(), re.MULTILINE)
    )

    assert documented == logged
