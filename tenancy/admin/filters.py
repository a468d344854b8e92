"""Filters that an index answers: an exact value that is typed, a choice that the code knows."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ListFilter, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as DropdownFilter
    from django.contrib.admin import SimpleListFilter as TextFilter
else:
    from unfold.contrib.filters.admin import DropdownFilter, TextFilter

WINDOWS = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "all": ("Any time", None),
}


class Defaulting(DropdownFilter):
    """A choice with a default, which gives way where somebody searches for one id."""

    default_choice = ""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self._searching = bool(request.GET.get("q"))
        super().__init__(request, *args)

    def value(self) -> str | None:
        """What the URL says, or the default."""
        default = "all" if self._searching and self.default_choice else self.default_choice
        return super().value() or default or None


def exactly(name: str, title: str, *, field: str = "", is_uuid: bool = False) -> type[TextFilter]:
    """A filter for one value of a column, typed in full: `?name=value`."""

    class Exactly(TextFilter):
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            """Nothing to choose from."""
            return ()

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            """The rows with this value; none, where it cannot be one."""
            value = (self.value() or "").strip()
            if not value:
                return queryset
            if is_uuid and not _is_uuid(value):
                return queryset.none()
            try:
                return queryset.filter(**{field or name: value})
            except ValueError:  # letters, where the column holds numbers
                return queryset.none()

    Exactly.title = title
    return Exactly


def chosen(
    name: str,
    title: str,
    choices: Callable[[], Iterable[tuple[str, str]]],
    *,
    field: str = "",
    aliases: dict[str, Any] | None = None,
    default: str = "",
) -> type[DropdownFilter]:
    """A filter by one of the choices that the code knows: read from the column they cost seconds.

    aliases: choices that stand for several values. default: the choice while the URL names none;
    the empty choice then reads `all` in the URL.
    """
    several = aliases or {}

    class Chosen(Defaulting):
        parameter_name = name
        default_choice = default
        all_option = None if default else ["", "All"]

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            """The choices, and with a default also all of them."""
            return [*choices(), *([("all", "All")] if default else [])]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            """The rows of the choice."""
            value = self.value()
            if not value or value == "all":
                return queryset
            wanted = several.get(value)
            if wanted is None:
                return queryset.filter(**{field or name: value})
            return queryset.filter(**{f"{field or name}__in": wanted})

    Chosen.title = title
    return Chosen


def window(field: str, *, default: str = "24h") -> type[DropdownFilter]:
    """Preset windows of time. `date_hierarchy` would read every date: 5–8 s at ten million rows."""

    class Window(Defaulting):
        title = "time"
        parameter_name = "window"
        all_option = None
        default_choice = default

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            """The presets."""
            return [(key, label) for key, (label, _) in WINDOWS.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            """The rows since then."""
            length = WINDOWS.get(self.value() or "", ("", None))[1]
            if length is None:
                return queryset
            return queryset.filter(**{f"{field}__gt": datetime.now(UTC) - length})

    return Window


def in_force(spec: ListFilter) -> str:
    """The value that a filter narrows its list to, in words; empty where it shows all."""
    if isinstance(spec, SimpleListFilter):
        value = spec.value() or ""
        is_all = value == "all" and isinstance(spec, Defaulting)
        return "" if is_all else str(dict(spec.lookup_choices).get(value, value))
    values = [one for given in spec.used_parameters.values() for one in _listed(given)]
    field = getattr(spec, "field", None)
    if field is None or not values:
        return ", ".join(map(str, values))
    if field.is_relation:
        return ", ".join(map(str, field.related_model.objects.filter(pk__in=values)))
    labels = {str(value): str(label) for value, label in field.flatchoices}
    labels = labels or {"1": "Yes", "0": "No", "True": "Yes", "False": "No"}
    return ", ".join(labels.get(str(value), str(value)) for value in values)


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
