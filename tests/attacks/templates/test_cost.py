"""What a template that uses up everything costs: one budget a page, not one for each sample."""

from templates import preview, validate
from templates.composition import Options

TEXT = (
    "{% assign a = '" + "ab " * 10_000 + "' %}{% for i in (1..9999) %}"
    "{% if a contains 'abb' or a contains 'bab' or a contains 'baa' or a contains 'bbb' %}x"
    "{% endif %}{% endfor %}"
)
GREEDY = {"subject": "s", "text": TEXT, "html": ""}
GOOD = {"subject": "s", "text": "t", "html": ""}


def tried(failures: list[str]) -> list[bool]:
    return ["Not tried" not in failure for failure in failures]


def test_a_preview_ends_with_the_first_sample_that_uses_up_its_budget() -> None:
    seen = preview.preview("mission.created", "mail", GREEDY, Options())

    failures = [one.failure for one in seen.shown]
    assert tried(failures) == [True] + [False] * (len(failures) - 1)
    assert all("processor time" in failure for failure in failures)


def test_a_comparison_still_shows_the_version_that_works() -> None:
    compared = preview.compare("mission.created", "mail", GREEDY, GOOD, Options())

    assert sum(tried([one.old.failure for one in compared])) == 1
    assert all(one.new.message is not None for one in compared)


def test_publishing_is_refused_after_the_first_sample() -> None:
    problems = validate.validate("mission.created", "mail", GREEDY)

    assert [one.severity for one in problems if "processor" in one.message] == ["error"]


def test_other_errors_are_told_of_every_sample() -> None:
    broken = GOOD | {"text": "{{ mission.title | divided_by: 0 }}"}

    seen = preview.preview("mission.created", "mail", broken, Options())

    assert all(tried([one.failure for one in seen.shown]))
    assert all(one.failure for one in seen.shown)
