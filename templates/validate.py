"""Whether a template may be published: all its errors, and every sample that fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from templates import catalogue, composition
from templates.analysis import Problem
from templates.composition import Message, Options
from templates.errors import BudgetExceeded, RenderingFailed
from templates.limits import pool

__all__ = ["Problem", "attempt", "validate"]


def validate(
    event_type: str, channel: str, sources: catalogue.Sources, options: Options | None = None
) -> list[Problem]:
    """Every problem of the sources, errors and warnings, with line and column.

    Samples are rendered only when the sources are free of errors, so that one mistake is told once.
    Raises UnknownTemplate, and HelperUnavailable when nothing could be checked.
    """
    problems = check(event_type, channel, sources)
    if any(problem.severity == "error" for problem in problems):
        return problems
    return problems + list(_failing_cases(event_type, channel, sources, options or Options()))


def check(event_type: str, channel: str, sources: catalogue.Sources) -> list[Problem]:
    """What can be said without rendering."""
    catalogue.event_type(event_type), catalogue.parts(channel)
    request = {
        "op": "check",
        "event_type": event_type,
        "channel": channel,
        "sources": dict(sources),
    }
    try:
        return [Problem(**found) for found in pool().ask(request)]
    except RenderingFailed as error:
        return [_problem(error, catalogue.parts(channel)[0], "")]


def attempt(
    channel: str, sources: catalogue.Sources, data: Mapping[str, Any], options: Options
) -> Message:
    """Render in a helper process. Raises RenderingFailed, BudgetExceeded, HelperUnavailable."""
    request = {
        "op": "render",
        "channel": channel,
        "sources": dict(sources),
        "data": data,
        "options": options.as_dict(),
    }
    return composition.Message.from_dict(pool().ask(request))


def _failing_cases(
    event_type: str, channel: str, sources: catalogue.Sources, options: Options
) -> Iterator[Problem]:
    for case in catalogue.event_type(event_type).cases(channel):
        try:
            attempt(channel, sources, case.data, options)
        except RenderingFailed as error:
            yield _problem(error, catalogue.parts(channel)[0], case.name)
            if isinstance(error, BudgetExceeded):
                return  # each of the others would cost as much, and change nothing


def _problem(error: RenderingFailed, part: str, case: str) -> Problem:
    return Problem(
        severity="error",
        part=error.part or part,
        message=error.message,
        line=error.line,
        column=error.column,
        case=case,
    )
