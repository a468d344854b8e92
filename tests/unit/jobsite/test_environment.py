"""Readers of environment variables: what they accept, and what they say otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobsite import environment
from jobsite.environment import BadVariable

NAME = "CONTROL_PLANE_EXAMPLE"

type Given = Callable[[str], None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    return lambda value: monkeypatch.setenv(NAME, value)


def test_an_unset_and_an_empty_variable_mean_the_default(given: Given) -> None:
    assert environment.integer(NAME, 7, minimum=1, maximum=9) == 7
    given("  ")
    assert environment.integer(NAME, 7, minimum=1, maximum=9) == 7
    assert environment.boolean(NAME, True) is True
    assert environment.words(NAME, ["a"]) == ["a"]
    assert environment.folder(NAME, Path("/var/x")) == Path("/var/x")


@pytest.mark.parametrize(
    ("value", "meaning"), [("true", True), ("ON", True), ("1", True), ("no", False), ("0", False)]
)
def test_a_boolean_is_read_in_any_usual_form(given: Given, value: str, meaning: bool) -> None:
    given(value)
    assert environment.boolean(NAME, not meaning) is meaning


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda: environment.boolean(NAME, False), "perhaps"),
        (lambda: environment.integer(NAME, 1, minimum=1, maximum=9), "10"),
        (lambda: environment.integer(NAME, 1, minimum=1, maximum=9), "1.5"),
        (lambda: environment.decimal(NAME, 1, minimum=0, maximum=1), "nan"),
        (lambda: environment.decimal(NAME, 1, minimum=0, maximum=1), "half"),
        (lambda: environment.choice(NAME, "a", among=["a", "b"]), "c"),
        (lambda: environment.integers(NAME, [1], minimum=1, maximum=9), "1,x"),
        (lambda: environment.integers(NAME, [1], minimum=1, maximum=9), "1,10"),
        (lambda: environment.seconds_by_name(NAME, {"audit": 5}), "audit=0"),
        (lambda: environment.seconds_by_name(NAME, {"audit": 5}), "audit"),
        (lambda: environment.seconds_by_name(NAME, {"audit": 5}), "other=5"),
    ],
)
def test_a_bad_value_names_variable_value_and_what_is_accepted(
    given: Given, read: Callable[[], object], value: str
) -> None:
    given(value)
    with pytest.raises(BadVariable, match=rf"{NAME}='{value}' cannot be used: give ") as caught:
        read()
    assert caught.value.name == NAME


def test_a_bad_address_is_refused_without_showing_its_password(given: Given) -> None:
    given("mysql://app:geheim@host/name")
    with pytest.raises(BadVariable) as caught:
        environment.url(NAME, "", schemes=["postgresql"])
    assert "postgresql://…" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_lists_are_split_at_commas_and_trimmed(given: Given) -> None:
    given(" a, b ,,c")
    assert environment.words(NAME) == ["a", "b", "c"]
    given("443, 8443")
    assert environment.integers(NAME, [], minimum=1, maximum=65535) == [443, 8443]


def test_a_relative_folder_becomes_absolute(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given("data")
    assert environment.folder(NAME, Path("/x")) == tmp_path / "data"


def test_seconds_by_name_keep_the_defaults_of_those_left_out(given: Given) -> None:
    given("audit=60")
    seconds = environment.seconds_by_name(NAME, {"audit": 5, "backfill": 7})
    assert seconds == {"audit": 60, "backfill": 7}
