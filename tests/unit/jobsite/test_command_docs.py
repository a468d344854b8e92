"""The commands that the documents print are commands that run."""

import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

DOCUMENTS = [settings.BASE_DIR / "README.md", *sorted((settings.BASE_DIR / "docs").rglob("*.md"))]
PRINTED = re.compile(r"python3? manage\.py ([a-z][^`#\n]*(?:\n +--[^`#\n]*)*)")
LINES = [
    (document.name, " ".join(line.split()))
    for document in DOCUMENTS
    for line in PRINTED.findall(document.read_text())
]


def command(name: str) -> BaseCommand:
    app = get_commands()[name]
    return load_command_class(app, name) if isinstance(app, str) else app


def test_some_commands_are_printed():
    assert len(LINES) > 8


@pytest.mark.parametrize(("document", "line"), LINES)
def test_a_printed_command_takes_what_is_printed(document, line):
    name, *words = shlex.split(line)

    command(name).create_parser("manage.py", name).parse_args(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_line_to_be_copied_names_the_interpreter(document: Path):
    assert not re.findall(r"^    (?:python |\./)?manage\.py", document.read_text(), re.MULTILINE)
