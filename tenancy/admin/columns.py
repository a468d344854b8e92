"""Columns of lists that are computed: a title, and for states a coloured label with its word."""

from collections.abc import Callable, Mapping

from unfold.decorators import display


def column[C: Callable[..., object]](
    title: str, *, labels: Mapping[str, str | None] | None = None
) -> Callable[[C], C]:
    """Name a column; with `labels`, its values are shown as labels of that colour."""

    def named(shown: C) -> C:
        return display(description=title, label=labels)(shown)  # type: ignore[no-any-return]

    return named
