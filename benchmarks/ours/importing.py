"""`python -m benchmarks.ours.importing ROWS`: one import from the upload to its end, timed.

Prints one line of JSON: seconds of the check, the dry run, the commit and the journey.
"""

import json
import sys
import time

import django

django.setup()

from django.db import transaction  # noqa: E402 - needs the settings

from benchmarks.timeline import file  # noqa: E402
from jobs.families.transfers.imports import decide, upload  # noqa: E402
from jobs.families.transfers.models import Import  # noqa: E402
from jobs.ledger import relay  # noqa: E402
from tenancy.acting import Actor, acting  # noqa: E402
from tenancy.models import Mission, Organization, User  # noqa: E402
from tenancy.scope import operator_scope, scope  # noqa: E402

LOOK_SECONDS = 0.02


def main(rows: int) -> dict[str, float]:
    relay.recover()
    with operator_scope("a benchmark"), transaction.atomic():
        organization = Organization.objects.filter(slug__startswith="bench-").earliest("id")
    editor = User.objects.get(email="editor@example.test")
    with scope(organization), acting(Actor.user(editor.pk), source="web"):
        with transaction.atomic():
            mission = Mission.objects.filter(organization=organization).earliest("id")
        began = time.monotonic()
        of = upload.upload(organization, "bench.csv", file(rows, mission.reference)).of_import
        checked = until(of, "mapped", "validated")
        validated = until(of, "validated")
        approved = time.monotonic()
        decide.approve(of, again=True)
        completed = until(of, "completed")
    return {
        "check": checked - began,
        "validate": validated - checked,
        "commit": completed - approved,
        "journey": completed - began,
    }


def until(of: Import, *states: str) -> float:
    """The moment at which it is in one of these states."""
    while True:
        with transaction.atomic():
            of.refresh_from_db()
        if of.state in states:
            return time.monotonic()
        if of.state in ("checked", "rejected", "stopped"):
            raise SystemExit(f"{of.state}: {of.problem or of.survey}")
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
