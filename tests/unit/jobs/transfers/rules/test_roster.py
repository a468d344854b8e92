"""The vectors of a roster's file that one record decides."""

import pytest

from jobs.families.notifications.mail import is_mailbox as can_be_mailed
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import Record, named
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.roster import STAGED, Converter

HEADER = ("mail", "name", "role", "status")
GOOD = {"mail": "a@example.org", "name": "", "role": "", "status": ""}


def convert(changed=None, **choices) -> tuple[dict[str, str] | None, list[Issue]]:
    decided = {"kind": "roster", "format": "csv", "columns": dict(enumerate(HEADER))} | choices
    issues: list[Issue] = []
    cells = list((GOOD | (changed or {})).values())
    converter = Converter(named(HEADER), Choices.from_json(decided))
    line = converter.convert(Record(2, 2, cells), issues)
    if line is None:
        return None, issues
    return dict(zip(STAGED, line.decode()[:-1].split("\t"), strict=True)), issues


def test_the_key_is_lower_case_and_trimmed_and_the_address_stays_as_written():
    staged, issues = convert({"mail": " A@Example.org "})

    assert (staged["key"], staged["mail"], issues) == ("a@example.org", "A@Example.org", [])
    assert staged["key"] == convert({"mail": "a@example.org "})[0]["key"]


@pytest.mark.parametrize(
    "mail",
    [
        "a@x.org, b@x.org",
        "x@y\nBcc: z",
        "nobody",
        "a@localhost",
        "Ada <a@x.org>",
        "a@x.org\0",
        "a@b@x.org",
        ".a@x.org",
        "a@-x.org",
        "a@" + "x" * 64 + ".org",
        "a@" + "x." * 125 + "example",
        "ä@x.org",
    ],
)
def test_what_is_not_one_mail_address_is_refused(mail):
    staged, [issue] = convert({"mail": mail})

    assert staged is None
    assert (issue.field, issue.code, issue.level) == ("mail", "email", "row")


@pytest.mark.parametrize(
    "mail", ["a@bücher.example", "a@xn--bcher-kva.example", "o'neil+x@a-b.co.uk", "a@例え.テスト"]
)
def test_an_address_that_can_be_mailed_passes(mail):
    staged, issues = convert({"mail": mail})

    assert (staged["mail"], issues) == (mail, [])
    assert can_be_mailed(mail)


def test_empty_cells_leave_a_person_as_they_are():
    staged, issues = convert()

    assert issues == []
    assert [staged[name] for name in ("name", "role", "status")] == [r"\N"] * 3


def test_role_and_status_are_known_words():
    staged, _ = convert({"role": "Editor", "status": "INACTIVE"})
    _, issues = convert({"role": "editr", "status": "gone"})

    assert (staged["role"], staged["status"]) == ("editor", "inactive")
    assert [(one.field, one.code) for one in issues] == [("role", "choice"), ("status", "choice")]
    assert issues[0].detail["hint"] == "editor"


def test_a_role_cannot_be_emptied():
    staged, [issue] = convert({"role": "(clear)"})

    assert staged is None
    assert (issue.field, issue.code) == ("role", "required")
