"""Webhook bodies: JSON documents built from values, never by pasting text.

A body template is itself a JSON document. Each of its strings is a Liquid template of its own,
whose result becomes one JSON string, whatever characters it holds; an object
`{"$value": "mission.id"}` is replaced by that value of the event as it is (a number, a list, null).
Keys are never rendered. So no value can end a string, add a key, or make a body that is not JSON.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in typeshed
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from templates import language
from templates.errors import RenderingFailed

VALUE = "$value"
MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 20
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


class Leaf(str):
    """A string of the document that knows where in the source it stands."""

    __slots__ = ("start", "verbatim")
    start: int
    verbatim: bool


@dataclass(frozen=True, kw_only=True)
class Part:
    """One template inside the document.

    kind: `liquid`, or `value` for the path in a `{"$value": …}`.
    index: where its first character stands in the source.
    verbatim: the source has no escapes in it, so that positions inside it can be counted.
    """

    kind: str
    source: str
    index: int
    verbatim: bool

    def position(
        self, document: str, line: int | None = 1, column: int | None = 1
    ) -> tuple[int, int]:
        """Line and column in the document of a place in this part (a JSON string has one line)."""
        offset = (column or 1) - 1 if self.verbatim and (line or 1) == 1 else 0
        return language.position(document, self.index + offset)


def parse(source: str) -> Any:
    """The document, with every string value a `Leaf`. Raises RenderingFailed (`syntax`)."""
    if len(source) > language.MAX_SOURCE_CHARS:
        raise _syntax(source, 0, f"longer than {language.MAX_SOURCE_CHARS:,} characters")
    try:
        document = _decoder().decode(source)
    except JSONDecodeError as error:
        raise _syntax(
            source, error.pos, f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        ) from error
    except RecursionError as error:
        raise _syntax(source, 0, "nested too deeply") from error
    except _Refused as error:
        raise _syntax(source, 0, str(error)) from error
    _check_depth(document, source)
    return document


def parts(document: Any) -> Iterator[Part]:
    """Every template inside a parsed document."""
    match document:
        case {"$value": Leaf() as path} if len(document) == 1:
            yield _part("value", path)
        case Leaf():
            yield _part("liquid", document)
        case dict():
            for value in document.values():
                yield from parts(value)
        case list():
            for value in document:
                yield from parts(value)


def render(source: str, data: Mapping[str, Any], *, reader: language.Reader | None = None) -> bytes:
    """The document filled with data, as UTF-8 JSON. Raises RenderingFailed."""
    document = parse(source)

    def fill(value: Any) -> Any:
        match value:
            case {"$value": Leaf() as path} if len(value) == 1:
                return _look_up(_part("value", path), data, source)
            case Leaf():
                return _text(_part("liquid", value), data, source, reader)
            case dict():
                return {key: fill(child) for key, child in value.items()}
            case list():
                return [fill(child) for child in value]
        return value

    return encode(fill(document))


def encode(body: Any) -> bytes:
    """Plain values as compact JSON. Raises RenderingFailed over 256 KiB, or for NaN."""
    try:
        encoded = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        octets = encoded.encode()
    except (ValueError, RecursionError) as error:
        raise RenderingFailed(f"not JSON: {error}", reason="body_invalid", part="body") from error
    if len(octets) > MAX_BODY_BYTES:
        why = f"the body has {len(octets):,} bytes; {MAX_BODY_BYTES:,} are allowed"
        raise RenderingFailed(why, reason="too_large", part="body")
    return octets


def _text(part: Part, data: Mapping[str, Any], source: str, reader: language.Reader | None) -> str:
    try:
        return language.render(part.source, data, part="body", html=False, reader=reader)
    except RenderingFailed as error:
        error.line, error.column = part.position(source, error.line, error.column)
        raise


def _look_up(part: Part, data: Mapping[str, Any], source: str) -> Any:
    value: Any = data
    for name in part.source.split(".") if _PATH.fullmatch(part.source) else [part.source]:
        if not isinstance(value, Mapping) or name not in value:
            line, column = part.position(source)
            message = f"{part.source} is undefined"
            raise RenderingFailed(message, part="body", line=line, column=column)
        value = value[name]
        if value is None:
            return None
    return value


def _part(kind: str, leaf: Leaf) -> Part:
    return Part(kind=kind, source=str(leaf), index=leaf.start, verbatim=leaf.verbatim)


class _Refused(ValueError):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"the key {twice!r} stands twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise _Refused(f"{name} is not JSON")


@functools.cache
def _decoder() -> JSONDecoder:
    decoder = JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)

    def parse_string(source: str, index: int, strict: bool = True) -> tuple[Leaf, int]:
        text, end = scanstring(source, index, strict)
        leaf = Leaf(text)
        leaf.start, leaf.verbatim = index, source[index : end - 1] == text
        return leaf, end

    # The decoder's own scanner is C and forgets positions; keys do not pass through `parse_string`.
    decoder.parse_string = parse_string  # type: ignore[attr-defined]
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]
    return decoder


def _check_depth(document: Any, source: str) -> None:
    level, rest = 0, [document]
    while rest:
        level += 1
        if level > MAX_DEPTH:
            raise _syntax(source, 0, f"nested deeper than {MAX_DEPTH} levels")
        rest = [
            child
            for value in rest
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]


def _syntax(source: str, index: int, message: str) -> RenderingFailed:
    line, column = language.position(source, index)
    return RenderingFailed(message, reason="syntax", part="body", line=line, column=column)
