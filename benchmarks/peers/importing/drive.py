"""`python -m benchmarks.peers.importing.drive ROWS`: rows a second of one import.

Bulk mode as its documentation has it for large files ("Bulk imports", "Advanced usage": batches of
1,000, no diff, cached look-ups), with the model's own validation, which ours does too. The file is
read into memory by tablib, as it needs it; that is timed with the rest.
"""

import json
import sys
import time

import django

django.setup()

import tablib  # noqa: E402 - needs the settings
from import_export import fields, resources, widgets  # noqa: E402
from import_export.instance_loaders import CachedInstanceLoader  # noqa: E402

from benchmarks.peers.importing.models import Mission, TimelineEntry  # noqa: E402
from benchmarks.timeline import file  # noqa: E402

MOMENT = "%Y-%m-%dT%H:%M:%SZ"  # its default formats know no zone


class Entries(resources.ModelResource):
    mission = fields.Field(
        "mission", "mission", widget=widgets.CachedForeignKeyWidget(Mission, "reference")
    )
    starts_at = fields.Field("starts_at", "starts_at", widget=widgets.DateTimeWidget(MOMENT))
    ends_at = fields.Field("ends_at", "ends_at", widget=widgets.DateTimeWidget(MOMENT))

    class Meta:
        model = TimelineEntry
        exclude = ("id", "organization_id")
        import_id_fields = ("external_id",)
        instance_loader_class = CachedInstanceLoader
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        clean_model_instances = True


def run(rows: int) -> float:
    TimelineEntry.objects.all().delete()
    mission, _ = Mission.objects.get_or_create(reference="M-1")
    text = b"".join(file(rows, mission.reference)).decode()
    began = time.perf_counter()
    result = Entries().import_data(tablib.Dataset().load(text, format="csv"))
    took = time.perf_counter() - began
    if result.has_errors() or result.has_validation_errors():
        raise SystemExit(str(result.row_errors() or result.invalid_rows[:1]))
    if (written := TimelineEntry.objects.count()) != rows:
        raise SystemExit(f"{written} of {rows} rows were written")
    return rows / took


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
