"""A running job can be asked to end, and a lost fence is refused by the database itself."""

from typing import Any, ClassVar

from django.db import migrations, models

# The last statements of a job go to PostgreSQL together with their COMMIT: whoever has lost the
# fence must be stopped before that, by an error.
HELD = """
CREATE FUNCTION jobs_held(moved bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    IF moved = 0 THEN
        RAISE EXCEPTION 'the job is no longer held under this fence' USING ERRCODE = 'JB001';
    END IF;
    RETURN moved;
END $$
"""


class Migration(migrations.Migration):
    """Add the request, the outcome of an attempt that followed it, and the refusal."""

    dependencies: ClassVar[list[Any]] = [("jobs", "0006_upkeep")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="job",
            name="cancel_requested_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("succeeded", "Succeeded"),
                    ("failed", "Failed"),
                    ("released", "Released"),
                    ("lost", "Lost"),
                    ("cancelled", "Cancelled"),
                ],
                default="",
                max_length=16,
            ),
        ),
        migrations.RunSQL(HELD, "DROP FUNCTION jobs_held(bigint)"),
    ]
