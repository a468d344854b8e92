"""`manage.py export`: one organization's timeline or roster, to a file here or to the store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import record
from jobs.errors import JobsError
from jobs.families.transfers.exports import request
from jobs.families.transfers.exports.formats import FORMATS
from jobs.families.transfers.exports.snapshot import Snapshot, snapshot
from jobs.families.transfers.exports.statement import SOURCES, query
from jobs.families.transfers.exports.write import encoded
from jobs.management.operator import add_order, operating, organization_of
from jobs.management.output import as_json
from tenancy.scope import scope


class Command(BaseCommand):
    """Write the file now, with --output; else ask for it as a person would, for a worker to do."""

    help = (
        "Export an organization's timeline or roster. With --output the file is written here and "
        "now; without, a worker writes it to the object store and the organization finds it under "
        "its exports. Either way it is in the organization's audit log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, what, how, where to."""
        parser.add_argument("--organization", required=True, metavar="ID|SLUG")
        parser.add_argument("--kind", choices=sorted(SOURCES), default="timeline")
        parser.add_argument("--format", choices=sorted(FORMATS), default="csv")
        parser.add_argument("--output", type=Path, metavar="PATH", help="a file that is not there")
        parser.add_argument("--json", action="store_true", help="print JSON")
        add_order(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and print what there is now."""
        of, told = self._ordered(options)
        if options["output"] is not None:
            told |= self._written(of, options)
        if options["json"]:
            as_json(self.stdout, told)
        elif options["output"] is None:
            self.stdout.write(f"Export {told['id']} waits for a worker.")
        else:
            self.stdout.write(f"{told['rows']:,} rows in {options['output']}.")

    def _ordered(self, options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if options["output"] is not None and options["output"].exists():
            raise CommandError(f"{options['output']} is there already; name another file.")
        with operating("manage.py export", options["operator"]):
            of = organization_of(options["organization"])
            asked = {"kind": options["kind"], "format": options["format"]}
            told: dict[str, Any] = {"organization": of.slug, **asked}
            if options["output"] is None:
                export = request.ask(of.pk, kind=options["kind"], format_name=options["format"])
                told |= {"id": str(export.pk), "job_id": str(export.job_id)}
            detail = asked | {"reason": options["reason"]}
            record("export.ordered", of, detail=detail)
        return of.pk, told

    def _written(self, of: int, options: dict[str, Any]) -> dict[str, Any]:
        names = [one.name for one in SOURCES[options["kind"]].columns]
        asked = query(options["kind"], organization_id=of, fields=names, filters={})
        path: Path = options["output"]
        try:
            with scope(of), snapshot(asked) as moment:
                _save(path, encoded(options["format"], moment))
        except (JobsError, OSError) as error:
            raise CommandError(str(error)) from error
        return _figures(path, moment)


def _save(path: Path, pieces: Iterator[bytes]) -> None:
    """Whole or not at all, for its owner's eyes."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("xb") as file:
            part.chmod(0o600)
            file.writelines(pieces)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _figures(path: Path, moment: Snapshot) -> dict[str, Any]:
    return {
        "path": str(path),
        "rows": moment.rows,
        "bytes": path.stat().st_size,
        "snapshot_at": moment.taken_at,
    }
