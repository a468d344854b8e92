"""The page for administrators says what there is."""

import re
from pathlib import Path

from templates import analysis, language

PAGE = (Path(__file__).resolve().parents[3] / "docs/administer/templates.md").read_text()


def listed(what: str) -> list[str]:
    paragraph = PAGE.split(f"\n{what}: ")[1].split("\n\n")[0]
    return re.findall(r"`([^`]+)`", paragraph)


def test_every_filter_is_listed() -> None:
    assert listed("Filters") == sorted(language.FILTERS)


def test_every_tag_is_listed() -> None:
    hidden = {"content", "output", "illegal"}

    assert set(listed("Tags")) == {tag.name for tag in language.TAGS} - hidden


def test_the_example_has_no_problem() -> None:
    body = PAGE.split("```json\n")[1].split("```")[0]

    assert analysis.check("mission.created", "webhook", {"body": body}) == []


def test_the_limits_are_those_that_hold() -> None:
    for limit in (f"{language.MAX_SOURCE_CHARS:,} characters", "256 KiB", "10,000 passes"):
        assert limit in PAGE
    assert (language.MAX_OUTPUT_BYTES, language.MAX_LOOPS) == (256 * 1024, 10_000)
