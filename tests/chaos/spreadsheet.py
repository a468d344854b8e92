"""What LibreOffice makes of our exports: text, and nothing that it computes.

No part of the suite, since LibreOffice is large: `python -m pytest tests/chaos/spreadsheet.py`.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jobs.families.transfers.store import store
from tenancy.models import Organization
from tests.factories.exports import written_export
from tests.integration.jobs.transfers.imports.conftest import folder  # noqa: F401 - a fixture
from tests.integration.jobs.transfers.imports.test_round_trip import (
    TITLES,
    timeline,  # noqa: F401 - a fixture
)

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
AS_CSV = "CSV:{},34,76,1"
"""Delimiter, quote, UTF-8, from row 1: what its import dialogue proposes."""


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[str, bytes], ElementTree.Element]:
    """A file as LibreOffice understands it, as XML."""
    office = shutil.which("soffice")
    if office is None:
        pytest.fail("There is no LibreOffice here: install libreoffice-calc.")

    def open_file(extension: str, content: bytes) -> ElementTree.Element:
        (tmp_path / f"export.{extension}").write_bytes(content)
        command = [office, "--headless", f"-env:UserInstallation={(tmp_path / 'user').as_uri()}"]
        if extension in ("csv", "tsv"):
            command.append(f"--infilter={AS_CSV.format(44 if extension == 'csv' else 9)}")
        command += ["--convert-to", "fods", "--outdir", str(tmp_path)]
        subprocess.run(
            [*command, str(tmp_path / f"export.{extension}")],
            check=True,
            capture_output=True,
            timeout=180,
        )
        return ElementTree.parse(tmp_path / "export.fods").getroot()

    return open_file


def formulas(sheet: ElementTree.Element) -> list[str]:
    found = (cell.get(f"{TABLE}formula") for cell in sheet.iter())
    return [one for one in found if one is not None]


def cells(sheet: ElementTree.Element) -> set[str]:
    """The texts of all cells."""
    found = sheet.iter(f"{TABLE}table-cell")
    return {"\n".join("".join(line.itertext()) for line in one.iter(f"{TEXT}p")) for one in found}


def test_what_is_not_made_safe_is_a_formula(opened: Callable[..., ElementTree.Element]) -> None:
    """Else this looks at the wrong thing."""
    assert formulas(opened("csv", b"title\n=1+1\n")) == ["of:=1+1"]


@pytest.mark.parametrize("format_name", ["csv", "tsv", "xlsx"])
def test_no_cell_of_an_export_is_a_formula(
    format_name: str,
    timeline: Organization,  # noqa: F811
    folder: Path,  # noqa: F811
    opened: Callable[..., ElementTree.Element],
) -> None:
    export = written_export(timeline, format_name=format_name)

    sheet = opened(format_name, b"".join(store().open(export.object_key)))

    assert formulas(sheet) == []
    assert len(cells(sheet)) > len(TITLES)  # it was read, and as cells
