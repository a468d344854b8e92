"""Typed readers of environment variables.

A variable that is unset or empty means its default. A bad value raises `BadVariable`, which names
the variable, the value and what is accepted. `seen` lists every variable that was read, so that
a test can hold docs/operate/settings.md against it.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")

seen: set[str] = set()


class BadVariable(ImproperlyConfigured):
    """An environment variable has a value that cannot be used."""

    def __init__(self, name: str, value: str, accepted: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: {accepted}.")
        self.name, self.value, self.accepted = name, value, accepted


def text(name: str, default: str = "") -> str:
    seen.add(name)
    return os.environ.get(name, "").strip() or default


def boolean(name: str, default: bool) -> bool:
    value = text(name)
    if not value:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise BadVariable(name, value, "give true or false (also 1/0, yes/no, on/off)")


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        number = minimum - 1
    if not minimum <= number <= maximum:
        raise BadVariable(name, value, f"give a whole number from {minimum} to {maximum}")
    return number


def decimal(name: str, default: float, *, minimum: float, maximum: float) -> float:
    value = text(name)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not minimum <= number <= maximum:  # not a number is not between, either
        raise BadVariable(name, value, f"give a number from {minimum:g} to {maximum:g}")
    return number


def choice(name: str, default: str, *, among: Sequence[str]) -> str:
    value = text(name)
    if not value:
        return default
    if value.lower() not in among:
        raise BadVariable(name, value, f"give one of {', '.join(among)}")
    return value.lower()


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """A list separated by commas."""
    value = text(name)
    return [word.strip() for word in value.split(",") if word.strip()] or list(default)


def integers(name: str, default: Sequence[int], *, minimum: int, maximum: int) -> list[int]:
    """A list of whole numbers separated by commas."""
    try:
        numbers = [int(word) for word in words(name)]
    except ValueError:
        numbers = [minimum - 1]
    if not all(minimum <= number <= maximum for number in numbers):
        accepted = f"give whole numbers from {minimum} to {maximum}, separated by commas"
        raise BadVariable(name, text(name), accepted)
    return numbers or list(default)


def seconds_by_name(name: str, defaults: Mapping[str, int]) -> dict[str, int]:
    """Numbers of seconds for some of the known names: `notifications=300,audit=7200`."""
    values = dict(defaults)
    for word in words(name):
        key, _, number = word.partition("=")
        if key not in defaults or not number.isdecimal() or not int(number):
            accepted = f"give {', '.join(f'{one}=SECONDS' for one in defaults)}, or some of them"
            raise BadVariable(name, text(name), accepted)
        values[key] = int(number)
    return values


def folder(name: str, default: Path) -> Path:
    """An absolute path; one that is given relative is taken from the working directory."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else default


def url(name: str, default: str, *, schemes: Sequence[str]) -> str:
    value = text(name)
    if not value:
        return default
    try:
        parts = urlsplit(value)
        good = parts.scheme in schemes and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        # The value may hold a password: what is shown is its beginning only.
        shown = value.split("://", 1)[0][:20]
        accepted = " or ".join(f"{scheme}://…" for scheme in schemes)
        raise BadVariable(name, f"{shown}…", f"give an address like {accepted}")
    return value
