"""One record of a roster's file becomes a line of COPY, or messages that say why not.

A roster has at most some ten thousand rows, so every record takes the careful way.
"""

import unicodedata
from collections.abc import Mapping, Sequence

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import Column, Record
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.rules.converting import Careful, mapped
from jobs.families.transfers.rules.fields import ROSTER
from jobs.families.transfers.rules.findings import Finding
from jobs.families.transfers.rules.mailbox import is_mailbox, key_of
from jobs.families.transfers.rules.typed import Choice
from jobs.families.transfers.rules.values import Rule

STAGED = ("row", "line", "key", "mail", "name", "role", "status")
"""The columns of a line of COPY, in order: row and line as in `timeline`; key is the mail address
in lower case; the others text in NFC. NULL: leave it; nothing of a person can be emptied."""


class Mail(Rule):
    """One mail address, in the writing that the file has."""

    def _value(self, text: str, found: list[Finding]) -> str | None:
        text = unicodedata.normalize("NFC", text.strip())
        if not is_mailbox(text):
            found.append(_NO_MAIL)
            return None
        return text


RULES: Mapping[str, type[Rule]] = {"text": Rule, "choice": Choice, "mail": Mail}


class Converter:
    """Converts the records of one file, all with the same columns and choices."""

    def __init__(self, columns: Sequence[Column], choices: Choices) -> None:
        self._careful = Careful(mapped(columns, choices, ROSTER, RULES), STAGED)

    def convert(self, record: Record, issues: list[Issue]) -> bytes | None:
        """As `timeline.Converter.convert`."""
        if record.issues:
            issues.extend(record.issues)
            if record.failed:
                return None
        values, remarks = self._careful.values(record)
        issues += self._careful.issues(record, remarks)
        if any(finding.level == "row" for _, finding in remarks):
            return None
        mail = values.get("mail")
        values["key"] = None if mail is None else key_of(mail)
        return self._careful.line(record, values, clears=0)


_NO_MAIL = Finding(
    "email",
    "This is not one mail address that a mail can go to. Write one per row, as name@example.org, "
    "of at most 254 characters.",
)
