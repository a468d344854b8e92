"""The served OpenAPI document is written in JSON Schema's words."""

from collections.abc import Iterator
from typing import Any

from jobsite.api import api

# What pydantic writes where it cannot place a bound; no client understands it.
PYDANTIC_ONLY = {"ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "strict"}


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "type" in node or "anyOf" in node:
            yield node
        for value in node.values():
            yield from _schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schemas(value)


def test_every_bound_reaches_the_document_as_json_schema() -> None:
    lost = [
        schema for schema in _schemas(api.get_openapi_schema()) if schema.keys() & PYDANTIC_ONLY
    ]

    assert lost == []
