"""Every code that a message about a file can have is explained to the person who reads it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jobs.families.transfers.rules.codes import CODES, GROUPS, page
from tenancy.roster import Breach
from tests.servers import ROOT

FAMILY = ROOT / "jobs/families/transfers"
WORDS = "WORDS"
"""The name of a table from codes to messages."""
FIRST_IS_THE_CODE = {"Finding", "NotAMoment", "NotAnObject", "refused", "CellError"}


def told(source: Path) -> Iterator[str]:
    """The codes that are written in a source where a message is made."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in FIRST_IS_THE_CODE:
                yield from texts(node.args[:1])
            yield from texts([one.value for one in node.keywords if one.arg == "code"])
        elif isinstance(node, ast.Assign) and WORDS in map(ast.unparse, node.targets):
            assert isinstance(node.value, ast.Dict)
            yield from texts([key for key in node.value.keys if key is not None])


def texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from texts([node.body, node.orelse])


def test_every_code_in_the_sources_is_explained():
    found = {code for source in FAMILY.rglob("*.py") for code in told(source)}

    assert {"required", "datetime", "cell_count", "encoding_mixed", "duplicate_same"} <= found
    assert found - set(CODES) == set(), "explain them in rules/codes.py"


def test_every_code_that_is_explained_is_said_somewhere():
    sources = set(FAMILY.rglob("*.py")) - {FAMILY / "rules/codes.py"}
    found = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Constant)
    }

    assert set(CODES) - found - set(Breach) == set(), "nobody says these any more"


def test_what_speaks_against_a_person_is_explained():
    assert set(Breach) <= set(CODES)


def test_no_code_is_explained_twice():
    assert len(CODES) == sum(len(group) for group in GROUPS.values())


def test_the_page_holds_the_tables_as_they_are_printed():
    written = (ROOT / "docs/administer/imports.md").read_text()

    assert page() in written, "put in what `python -m jobs.families.transfers.rules.codes` prints"
