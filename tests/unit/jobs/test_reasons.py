"""Every reason of a dead letter stands in the table that people on call read."""

import re
from collections.abc import Iterator

import pytest

from jobs.admin.story import REASONS
from jobs.errors import Permanent
from jobs.families.notifications import errors
from jobs.families.search import errors as of_search
from jobs.families.transfers import errors as of_transfers
from jobs.ledger.states import Reason
from tests.servers import ROOT

assert errors, (of_search, of_transfers)  # they declare their families' reasons

TABLE = (ROOT / "docs/operate/when-jobs-fail.md").read_text()
LITERAL = re.compile(r"\bPermanent\((?:[^()]|\([^()]*\))*?reason=\"(\w+)\"")


def of_families(error: type[Permanent] = Permanent) -> Iterator[str]:
    for kind in error.__subclasses__():
        yield from [word] if (word := getattr(kind, "word", "")) else []
        yield from of_families(kind)


def test_every_reason_is_documented_and_every_documented_one_exists():
    literal = {
        word for file in (ROOT / "jobs").rglob("*.py") for word in LITERAL.findall(file.read_text())
    }
    documented = set(re.findall(r"^ +\| `(\w+)` \|", TABLE, re.MULTILINE))

    assert documented == {*Reason, *of_families(), *literal}
    assert documented == set(REASONS), "the admin says each of them in words"


@pytest.mark.parametrize(
    "source",
    [
        'Permanent("no", reason="a_word")',
        'Permanent(\n    f"{_name(x)} is gone", reason="a_word"\n)',
    ],
)
def test_a_reason_that_is_written_where_it_is_raised_is_found(source):
    assert LITERAL.findall(source) == ["a_word"]
