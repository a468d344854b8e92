"""`manage.py import FILE`: bring a file into an organization without a browser."""
# ruff: noqa: N999 - the file's name is the command's

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from jobs.admin.import_story import told
from jobs.families.transfers.errors import StoreError
from jobs.families.transfers.imports import decide
from jobs.families.transfers.imports.errors import ImportRefused
from jobs.families.transfers.imports.states import WORKING, ImportState
from jobs.families.transfers.imports.upload import upload
from jobs.families.transfers.imports.work import JOB_TYPES
from jobs.families.transfers.models import Import, RowIssue
from jobs.families.transfers.rules.choices import InvalidChoice
from jobs.management.operator import ordering, organization_of
from jobs.management.output import as_json

LOOKS_EVERY_SECONDS = 1.0
ISSUES = 20
CHUNK_BYTES = 1 << 20
_SHOWN = (
    "id", "organization_id", "kind", "state", "reason", "file_name", "file_bytes", "file_sha256",
    "same_as", "plan", "done", "issue_counts", "problem",
)  # fmt: skip


class Command(BaseCommand):
    """Upload, and with --wait look until a person is asked or it is over."""

    help = (
        "Upload a file. With --wait, ends with status 0 once the import is completed, or validated "
        "where --approve is not given, and with 1 when it asks, is refused, stops or is cancelled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """A file and what is decided about it."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", required=True, metavar="ID|SLUG")
        parser.add_argument("--operator", required=True, metavar="MAIL", help="who imports it")
        parser.add_argument("--kind", choices=sorted(JOB_TYPES), default="timeline")
        parser.add_argument("--choices", default="{}", metavar="JSON", help="as in the API")
        parser.add_argument("--approve", action="store_true", help="commit once it is validated")
        parser.add_argument("--confirm-errors", action="store_true", help="however many rows fail")
        parser.add_argument("--again", action="store_true", help="though it was imported before")
        parser.add_argument(
            "--confirm-removals", type=int, metavar="N", help="that so many are removed"
        )
        parser.add_argument("--wait", action="store_true")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Upload, then watch."""
        order = f"manage.py import {options['file'].name}"
        with ordering(order, options["operator"]):
            try:
                of = self._upload(options)
                if options["wait"] or options["approve"]:
                    of = self._watched(of, options)
            except (ImportRefused, InvalidChoice, StoreError) as error:
                raise CommandError(str(error)) from error
            with transaction.atomic():
                self._tell(of, options)
        wanted = (ImportState.COMPLETED,) if options["approve"] else (ImportState.VALIDATED,)
        if (options["wait"] or options["approve"]) and of.state not in wanted:
            raise CommandError(f"The import {of.pk} is {of.state}.")

    def _upload(self, options: dict[str, Any]) -> Import:
        try:
            choices = json.loads(options["choices"])
        except ValueError as error:
            raise CommandError(f"--choices is no JSON: {error}.") from error
        with transaction.atomic():
            organization = organization_of(options["organization"])
        return upload(
            organization,
            options["file"].name,
            _chunks(options["file"]),
            kind=options["kind"],
            choices=choices,
        ).of_import

    def _watched(self, of: Import, options: dict[str, Any]) -> Import:
        """As soon as nothing more happens by itself; approved on the way where that was asked."""
        last = ""
        while True:
            with transaction.atomic():
                of = Import.objects.get(pk=of.pk)
                if of.state == ImportState.VALIDATED and options["approve"]:
                    names = ("confirm_errors", "confirm_removals", "again")
                    of = decide.approve(of, **{name: options[name] for name in names})
            if of.state not in WORKING:
                return of
            rows = (of.progress or {}).get("rows")
            now = of.state if rows is None else f"{of.state}, {rows:,} rows"
            if now != last and not options["json"]:
                self.stdout.write(now)
                last = now
            time.sleep(LOOKS_EVERY_SECONDS)

    def _tell(self, of: Import, options: dict[str, Any]) -> None:
        issues = RowIssue.objects.filter(organization_id=of.organization_id, of_import=of)[:ISSUES]
        questions = (of.survey or {}).get("questions", []) if of.state == "checked" else []
        if options["json"]:
            shown = {name: getattr(of, name) for name in _SHOWN}
            names = ("row", "line", "column", "letter", "level", "code", "message", "value")
            first = [{name: getattr(one, name) for name in names} for one in issues]
            as_json(self.stdout, shown | {"questions": questions, "issues": first})
            return
        self.stdout.write(f"{of.pk}  {of.state}  {told(of.done or of.plan or {})}")
        for one in [*questions, *([of.problem] if of.problem else [])]:
            where = f"column {one['letter']}: " if one.get("letter") else ""
            self.stdout.write(f"  {where}{one['message']}")
        for issue in issues:
            line = f", line {issue.line}" if issue.line else ""
            column = f", column {issue.letter}" if issue.letter else ""
            self.stdout.write(f"  row {issue.row}{line}{column}: {issue.message}")


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
