"""Drop indexes that UNIQUE (organization_id, id) covers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
        ("tenancy", "0003_one_index_less"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="auditevent",
            name="auditevent_recent",
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenancy.organization",
            ),
        ),
    ]
