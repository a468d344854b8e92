"""What must not be written anywhere in this project, whatever it is good for."""

import re
from pathlib import Path

import pytest

from tests.attacks.isolation.catalog import ENTITIES

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("tenancy", "audit", "templates", "jobs", "jobsite")
SOURCES = [
    path
    for package in PACKAGES
    for pattern in ("*.py", "*.sql")
    for path in (ROOT / package).rglob(pattern)
    if "migrations" not in path.parts
]

FORBIDDEN = {
    "a setting of the session: the next borrower of the connection would have it": (
        r"set_config\([^)]*,\s*(false|False)\s*\)|\bSET\s+SESSION\b|\bSET\s+ROLE\b|SET\s+app\."
    ),
    "the owner's connection: it is for migrations": r"\busing\s*[=(]\s*[\"']owner[\"']",
    "a door that is not tenancy.changes": r"\brecording\(\)",
    "a scope that is not tenancy.scope": r"app\.organizations",
    "a reach into the scope's own variable": r"scope\._(current|reporters|apply|entered)\b",
}
_TABLES = "|".join(model._meta.db_table for model in ENTITIES)
UNHEARD_OF = "a write of an entity in SQL, which nobody would hear of"
FORBIDDEN[UNHEARD_OF] = (
    rf"(?i)\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|COPY)\s+(public\.)?\"?({_TABLES})\b"
)
# Sets of rows of a file: each is in the journal, or its chunk, whose audit event has their digest.
BULK = ("add", "change", "remove", "undo")
ALLOWED = {
    *((f"jobs/families/transfers/imports/sql/{name}.sql", FORBIDDEN[UNHEARD_OF]) for name in BULK),
    ("tenancy/changes.py", r"\brecording\(\)"),
    ("tenancy/entities.py", r"\brecording\(\)"),
    ("tenancy/scope.py", r"app\.organizations"),
    ("tenancy/rls.py", r"app\.organizations"),
}


def test_there_are_sources_to_look_at() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_no_source_holds(pattern: str) -> None:
    found = {
        str(path.relative_to(ROOT)) for path in SOURCES if re.search(pattern, path.read_text())
    }

    assert found - {path for path, allowed in ALLOWED if allowed == pattern} == set()
