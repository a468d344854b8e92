"""`manage.py audit`: verify the log, copy what is sealed, show the keys that it is signed with."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from audit.errors import AuditError
from audit.sealing import copies
from audit.sealing.tick import installed
from audit.verification.all import logs, read_checkpoints, read_keys, verify_all
from audit.verification.report import Report
from jobs.management.operator import operating, organization_of
from jobs.management.output import as_json

VERBS = {
    "verify": "hold events, batches and checkpoints against each other",
    "export": "write what is sealed as files, which can be verified without us",
    "key": "print the public keys, as name+id+key",
}


class Command(BaseCommand):
    """One verb each; `--json` prints one object."""

    help = (
        "The audit log: `verify` tells whether it is what was written and signed (exit status 0 "
        "whole, 1 tampered, 2 could not look), `export` copies what is sealed into a folder, "
        "`key` prints the public keys. All organizations unless one is named."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, text in VERBS.items():
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("--json", action="store_true", help="print JSON")
            if name == "key":
                continue
            verb.add_argument("--organization", metavar="ID|SLUG")
            if name == "export":
                verb.add_argument("folder", type=Path)
                continue
            verb.add_argument(
                "--checkpoint",
                type=Path,
                action="append",
                default=[],
                metavar="PATH",
                help="one that was kept elsewhere, or a folder of an export; can be repeated",
            )
            verb.add_argument(
                "--key", type=Path, metavar="FILE", help="trust these keys only, one a line"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. What cannot be looked at ends with 2, whatever the reason."""
        try:
            getattr(self, options["verb"])(options)
        except (AuditError, CommandError, Error, OSError) as error:
            raise CommandError(f"Could not look: {error}", returncode=2) from error

    def verify(self, options: dict[str, Any]) -> None:
        """Print what was found; exit status 1 if anything."""
        trusted = read_keys(options["key"]) if options["key"] else installed().trusted
        kept = read_checkpoints(options["checkpoint"], trusted)
        with operating("manage.py audit verify"), connection.cursor() as cursor:
            if options["organization"]:
                wanted = [_log(options["organization"], kept_of=logs(cursor))]
            else:
                wanted = sorted({*logs(cursor), *(head.organization_id for head in kept)})
            reports = list(verify_all(cursor, wanted, trusted, kept))
        if options["json"]:
            as_json(self.stdout, _told(reports))
        else:
            self._tell(reports)
        if any(report.findings for report in reports):
            raise SystemExit(1)

    def _tell(self, reports: list[Report]) -> None:
        for report in reports:
            for finding in report.findings:
                self.stdout.write(str(finding))
        for said in sorted({text for report in reports for text in report.not_excluded}):
            self.stdout.write(f"Not excluded: {said}.")
        told = _told(reports)
        self.stdout.write(
            f"{'Whole' if told['whole'] else 'TAMPERED'}: {told['events']} sealed events of "
            f"{told['organizations']} organizations; {told['pending']} wait for their seal."
        )

    def export(self, options: dict[str, Any]) -> None:
        """Write the files."""
        with operating("manage.py audit export"), connection.cursor() as cursor:
            named = options["organization"]
            wanted = [_log(named, kept_of=logs(cursor))] if named else logs(cursor)
            written = {one: copies.write(cursor, one, options["folder"]) for one in wanted}
        told = {"organizations": len(written), "events": sum(written.values())}
        if options["json"]:
            as_json(self.stdout, told)
        else:
            self.stdout.write(f"{told['events']} events of {told['organizations']} organizations.")

    def key(self, options: dict[str, Any]) -> None:
        """Print the keys."""
        texts = [key.text for key in installed().trusted]
        if options["json"]:
            as_json(self.stdout, {"keys": texts})
        else:
            self.stdout.write("\n".join(texts))


def _log(text: str, *, kept_of: list[int]) -> int:
    """The organization of this id or slug; by its id one that is gone has a log as well."""
    if text.isdecimal() and int(text) in kept_of:
        return int(text)
    return organization_of(text).pk


def _told(reports: list[Report]) -> dict[str, Any]:
    return {
        "whole": not any(report.findings for report in reports),
        "organizations": len(reports),
        "events": sum(report.size for report in reports),
        "pending": sum(report.pending for report in reports),
        "findings": [finding for report in reports for finding in report.as_dict()["findings"]],
        "not_excluded": sorted({text for report in reports for text in report.not_excluded}),
    }
