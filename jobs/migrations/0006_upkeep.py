from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("jobs", "0005_controls")]
    operations: ClassVar[list[Any]] = []
