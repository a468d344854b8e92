"""What a person decided about one file: the mapping, the zone, what an empty cell means.

It is kept with the import as JSON and given to the child, which therefore needs nothing else. A
choice that nobody has made yet is None or absent; `mapping.questions` says which must be made.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from typing import Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from jobs.families.transfers.rules import fields

Mode = Literal["update", "sync", "replace"]
Acceptance = Literal["valid_rows", "all_rows"]

MOST_COLUMNS = 10_000
"""More than any file may have."""
FORMATS = ("csv", "tsv", "xlsx", "jsonl", "parquet")
DELIMITED = ("csv", "tsv")
DATE_FORMATS = (
    *("YYYY-MM-DD", "YYYY/MM/DD", "DD.MM.YYYY"),
    *("DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY", "MM-DD-YYYY"),
)
"""As a person is shown them; a time may follow each, and an offset the first."""
MODES: dict[fields.Kind, tuple[Mode, ...]] = {
    "timeline": ("update", "replace"),
    "roster": ("update", "sync"),
}


class InvalidChoice(ValueError):
    """A choice that no file could be imported with. `name` is the attribute of Choices."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Everything a person decided. Raises InvalidChoice for what cannot be."""

    kind: fields.Kind
    format: str | None = None  # one of FORMATS
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None  # its name
    has_header: bool | None = None
    columns: Mapping[int, str | None] = field(default_factory=dict)  # None: left out on purpose
    date_formats: Mapping[int, str] = field(default_factory=dict)  # by column, of DATE_FORMATS
    time_zone: str = "UTC"  # of times without an offset
    ambiguous: Literal["earlier", "later"] | None = None  # an hour that occurs twice; None: refuse
    empty_clears: bool = False  # an empty cell empties the field instead of leaving it alone
    value_maps: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict
    )  # field → text → choice
    kinds: tuple[str, ...] = ()  # that entries of the organization have, besides fields.KINDS
    notify_assignees: bool = False  # tell those whose missions it changes that it is through
    mode: Mode = "update"
    acceptance: Acceptance = "valid_rows"

    def __post_init__(self) -> None:
        if self.kind not in fields.FIELDS:
            raise _unknown("kind", self.kind, fields.FIELDS)
        if self.format not in (None, *FORMATS):
            raise _unknown("format", self.format, FORMATS)
        if self.mode not in MODES[self.kind]:
            raise _unknown("mode", self.mode, MODES[self.kind])
        if self.acceptance not in get_args(Acceptance):
            raise _unknown("acceptance", self.acceptance, get_args(Acceptance))
        if self.ambiguous not in (None, "earlier", "later"):
            raise _unknown("ambiguous", self.ambiguous, ("earlier", "later"))
        for name in self.columns.values():
            if name is not None and name not in self._names():
                raise _unknown("columns", name, self._names())
        for one in self.date_formats.values():
            if one not in DATE_FORMATS:
                raise _unknown("date_formats", one, DATE_FORMATS)
        self._check_plain()
        self._check_zone()
        self._check_value_maps()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` gave; what is absent is as nobody had chosen it yet."""
        known = {one.name for one in fields_of(cls)}
        for name in data:
            if name not in known:
                raise _unknown(name, name, sorted(known))
        usual = "all_rows" if data.get("kind") == "roster" else "valid_rows"
        try:
            made = {"acceptance": usual} | dict(data)
            made["columns"] = _by_index(data.get("columns", {}))
            made["date_formats"] = _by_index(data.get("date_formats", {}))
            made["kinds"] = tuple(data.get("kinds", ()))
            return cls(**made)
        except InvalidChoice:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidChoice(
                "", f"These choices do not have the expected shape: {error}."
            ) from error

    def as_json(self) -> dict[str, Any]:
        """Plain JSON types: the keys of `columns` and `date_formats` become text."""
        plain = asdict(self)
        for name in ("columns", "date_formats"):
            plain[name] = {str(index): one for index, one in plain[name].items()}
        return plain | {"kinds": list(self.kinds)}

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times without an offset."""
        return ZoneInfo(self.time_zone)

    def column_of(self, name: str) -> int | None:
        """The index of the column that goes to this field."""
        return next((index for index, one in self.columns.items() if one == name), None)

    def _names(self) -> tuple[str, ...]:
        return tuple(one.name for one in fields.FIELDS[self.kind])

    def _check_plain(self) -> None:
        """Of its type, and such that a database can keep it: they come from anybody."""
        for name in ("encoding", "delimiter", "sheet"):
            value = getattr(self, name)
            if value is not None and not _keeps(value):
                raise InvalidChoice(name, f"{value!r} is no text that can be kept.")
        for name in ("has_header", "empty_clears", "notify_assignees"):
            if getattr(self, name) not in (None, True, False):
                raise InvalidChoice(name, f"{getattr(self, name)!r} is neither true nor false.")
        for name in ("columns", "date_formats"):
            for index in getattr(self, name):
                if not 0 <= index < MOST_COLUMNS:
                    raise InvalidChoice(name, f"There is no column {index}; the first is 0.")
        texts = (text for values in self.value_maps.values() for text in values)
        if not all(map(_keeps, (*texts, *self.kinds))):
            raise InvalidChoice("value_maps", "A text in it contains a character such as NUL.")

    def _check_zone(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:  # OSError: a folder of the database
            raise InvalidChoice(
                "time_zone",
                f"There is no time zone {self.time_zone!r}. Write its name in the IANA database, "
                "as Europe/Berlin.",
            ) from error

    def _check_value_maps(self) -> None:
        for name, values in self.value_maps.items():
            if name not in self._names() or not (allowed := self.allowed(name)):
                raise _unknown("value_maps", name, [f for f in self._names() if self.allowed(f)])
            for choice in values.values():
                if choice not in allowed:
                    raise _unknown("value_maps", choice, allowed)

    def allowed(self, name: str) -> tuple[str, ...]:
        """The choices of a field; none for one that takes any text."""
        more = self.kinds if name == "kind" else ()
        return tuple(dict.fromkeys((*fields.field(self.kind, name).choices, *more)))


def _keeps(text: object) -> bool:
    """Whether it is text that a database keeps: neither NUL nor half a character."""
    return isinstance(text, str) and not any(
        one == "\0" or "\ud800" <= one <= "\udfff" for one in text
    )


def _by_index(data: Mapping[Any, Any]) -> dict[int, Any]:
    return {int(index): one for index, one in data.items()}


def _unknown(name: str, seen: object, accepted: Any) -> InvalidChoice:
    return InvalidChoice(name, f"{seen!r} is not known as {name}; known are {', '.join(accepted)}.")
