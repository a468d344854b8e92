"""The page of settings and the settings are about the same variables."""

import re
from pathlib import Path

# Importing the two that read variables is what fills `environment.seen`.
from jobsite import environment, gunicorn, settings  # noqa: F401

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/operate/settings.md").read_text()
DOCUMENTED = re.findall(r"^\| `([A-Z][A-Z_]+)` \|", PAGE, flags=re.MULTILINE)
# Read by tests, and by bootstrap.sh, which come before any settings.
ELSEWHERE = {
    *("TEST_DATABASE_URL", "TEST_DATABASE_OWNER_URL", "TEST_REDIS_URL"),
    *("CHROMIUM", "PROMTOOL", "PYTHON"),
}


def read_by_the_product() -> set[str]:
    return {name for name in environment.seen if not name.startswith("CONTROL_PLANE_EXAMPLE")}


def test_every_variable_that_is_read_is_documented() -> None:
    assert read_by_the_product() - set(DOCUMENTED) == set()


def test_every_documented_variable_is_read() -> None:
    assert set(DOCUMENTED) - ELSEWHERE - read_by_the_product() == set()


def test_the_page_has_the_order_of_the_settings() -> None:
    source = (ROOT / "jobsite/settings.py").read_text()
    places = [source.find(f'"{name}"') for name in DOCUMENTED]
    known = [place for place in places if place >= 0]
    assert known == sorted(known)
