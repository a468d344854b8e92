from typing import Any

import pytest

from templates import language
from templates.errors import RenderingFailed
from templates.language import Reader

DATA: dict[str, Any] = {
    "mission": {"title": "A <b> & c", "starts_at": "2026-03-09T07:00:00+00:00", "note": None},
    "names": ["b", "a"],
}


def rendered(source: str, *, html: bool = False, reader: Reader | None = None) -> str:
    return language.render(source, DATA, part="text", html=html, reader=reader)


def failure(source: str) -> RenderingFailed:
    with pytest.raises(RenderingFailed) as failed:
        rendered(source)
    return failed.value


def test_values_are_escaped_in_html_only() -> None:
    assert rendered("{{ mission.title }}") == "A <b> & c"
    assert rendered("{{ mission.title }}", html=True) == "A &lt;b&gt; &amp; c"
    assert rendered("{{ mission.title | append: '<i>' }}", html=True) == "A &lt;b&gt; &amp; c<i>"


def test_a_missing_variable_is_an_error_with_its_place() -> None:
    error = failure("one\n  {{ mission.nothing }}")

    assert (error.part, error.line, error.column) == ("text", 2, 6)


def test_a_missing_variable_can_be_asked_about_and_defaulted() -> None:
    assert rendered("{% if mission.nothing %}x{% endif %}") == ""
    assert rendered("{{ mission.note.deep | default: 'none' }}") == "none"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ mission.starts_at | date: 'medium' }}", "09.03.2026, 08:00 MEZ"),
        ("{{ mission.starts_at | date: 'long' }}", "9. März 2026, 08:00 MEZ"),
        ("{{ mission.starts_at | date: '%d.%m.%Y %H:%M' }}", "09.03.2026 08:00"),
        ("{{ mission.note | date }}", ""),
    ],
)
def test_times_speak_the_readers_language_and_zone(source: str, expected: str) -> None:
    reader = Reader(locale="de-CH", time_zone="Europe/Zurich")

    assert rendered(source, reader=reader) == expected


def test_an_unknown_locale_reads_english() -> None:
    reader = Reader(locale="xx-nonsense-!")

    assert rendered("{{ mission.starts_at | date }}", reader=reader) == "Mar 9, 2026, 7:00 AM UTC"


def test_what_is_no_time_is_an_error() -> None:
    assert "is not a time" in failure("{{ mission.title | date }}").message


def test_filters_that_fail_are_errors_with_a_place() -> None:
    error = failure("{{ names | concat: 3 }}")

    assert (error.line, error.column) == (1, 12)


def test_what_python_itself_refuses_is_an_error_of_the_template() -> None:
    source = "{% if mission contains mission %}{% endif %}"

    assert failure(source).message.startswith("TypeError")


def test_limits_say_what_they_are() -> None:
    error = failure("{% for i in (1..10001) %}{% endfor %}")

    assert error.reason == "budget_exceeded"
    assert "10,000 passes" in error.message


def test_carriage_returns_stay_what_they_are() -> None:
    assert language.render("{{ a }}", {"a": "x\r\ny\rz"}, part="text", html=False) == "x\r\ny\rz"
