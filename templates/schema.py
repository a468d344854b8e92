"""JSON Schema of an event's data, and what follows from it: examples, cases, masking, variables.

A schema is built from the few functions below, so that every leaf has a title, an example, and says
whether it may be missing (`nullable`), is free text (`text`), or is personal. All that the editor,
the validation and the preview know about an event comes from here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

type JsonObject = dict[str, Any]

RIGHT_TO_LEFT = "مهمة الصيانة في الموقع (الطابق ٣) – שלום"
EMOJI = "👩🏽‍🚀 Ré‑entrée 🛰️ <b>&amp;</b> 日本語"
LONG = "Extraordinarily long-winded ".ljust(28) * 36


def text(title: str, example: str, *, personal: bool = False, nullable: bool = False) -> JsonObject:
    """Free text, as people type it: any length, any script."""
    leaf: JsonObject = {
        "title": title,
        "type": ["string", "null"] if nullable else "string",
        "examples": [example],
        "x-text": True,
    }
    return leaf | ({"x-personal": True} if personal else {})


def word(title: str, example: str, *, nullable: bool = False) -> JsonObject:
    """A short technical string: a code, a state, an address."""
    kind: Any = ["string", "null"] if nullable else "string"
    return {"title": title, "type": kind, "examples": [example]}


def number(title: str, example: int) -> JsonObject:
    """A whole number, such as an id."""
    return {"title": title, "type": "integer", "examples": [example]}


def moment(title: str, example: str, *, nullable: bool = False) -> JsonObject:
    """A time in RFC 3339, in UTC."""
    return word(title, example, nullable=nullable) | {"format": "date-time"}


def record(title: str, /, **properties: JsonObject) -> JsonObject:
    """An object whose every property is present, even if null."""
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def many(title: str, item: JsonObject) -> JsonObject:
    """A list, possibly empty."""
    return {"title": title, "type": "array", "items": item}


def is_nullable(node: Mapping[str, Any]) -> bool:
    """Whether the value may be null, or be a list without items."""
    return "null" in node["type"]


def kind(node: Mapping[str, Any]) -> str:
    """The JSON type of a value that is not null."""
    types = node["type"]
    return str(types if isinstance(types, str) else types[0])


def example(node: Mapping[str, Any]) -> Any:
    """The value that the schema's examples make up."""
    match kind(node):
        case "object":
            return {name: example(child) for name, child in node["properties"].items()}
        case "array":
            return [example(node["items"])]
        case _:
            return node["examples"][0]


def complete(node: Mapping[str, Any], value: Any) -> Any:
    """The value in the shape of the schema: null for what an older event lacks."""
    match kind(node):
        case "object" if isinstance(value, Mapping):
            known = {n: complete(c, value.get(n)) for n, c in node["properties"].items()}
            return dict(value) | known
        case "object":
            return complete(node, {})
        case "array":
            items = value if isinstance(value, list) else []
            return [complete(node["items"], item) for item in items]
        case _:
            return value


def transform(
    node: Mapping[str, Any], value: Any, change: Callable[[Mapping[str, Any], Any], Any]
) -> Any:
    """The value with every part that the schema knows replaced by `change(schema, part)`."""
    value = change(node, value)
    match kind(node):
        case "object" if isinstance(value, Mapping):
            known = {
                n: transform(c, value[n], change)
                for n, c in node["properties"].items()
                if n in value
            }
            return dict(value) | known
        case "array" if isinstance(value, list):
            return [transform(node["items"], item, change) for item in value]
        case _:
            return value


def without_optional(node: Mapping[str, Any], value: Any) -> Any:
    """The value with everything missing that may be missing."""

    def change(part: Mapping[str, Any], old: Any) -> Any:
        if kind(part) == "array":
            return []
        return None if is_nullable(part) else old

    return transform(node, value, change)


def with_text(node: Mapping[str, Any], value: Any, replacement: str) -> Any:
    """The value with every free text replaced."""
    return transform(node, value, lambda p, old: replacement if p.get("x-text") and old else old)


def masked(node: Mapping[str, Any], value: Any) -> Any:
    """The value with personal data made unreadable, but for first letters."""
    return transform(
        node, value, lambda part, old: _mask(old) if part.get("x-personal") and old else old
    )


def _mask(value: Any) -> str:
    words = str(value).replace("@", " @ ").replace(".", " . ").split(" ")
    return "".join(w if w in {"@", "."} else f"{w[:1]}•••" for w in words if w)


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One line of the editor's palette.

    path: as a template writes it; `changes[]` stands for the items of a list.
    type: `text`, `number`, `time`, `list` or `object`.
    example: what the sample holds, shortened.
    nullable: whether a template should give it a `default`.
    """

    path: str
    title: str
    type: str
    example: str
    nullable: bool
    personal: bool


def variables(node: Mapping[str, Any], path: str = "") -> Iterator[Variable]:
    """Every variable of the schema, outer before inner."""
    if path:
        yield _variable(node, path)
    if kind(node) == "object":
        for name, child in node["properties"].items():
            yield from variables(child, f"{path}.{name}" if path else name)
    elif kind(node) == "array":
        yield from variables(node["items"], f"{path}[]")


def _variable(node: Mapping[str, Any], path: str) -> Variable:
    names = {"object": "object", "array": "list", "integer": "number"}
    default = "time" if node.get("format") == "date-time" else "text"
    return Variable(
        path=path,
        title=node["title"],
        type=names.get(kind(node), default),
        example=str(node["examples"][0])[:60] if "examples" in node else "",
        nullable=is_nullable(node),
        personal=bool(node.get("x-personal")),
    )
