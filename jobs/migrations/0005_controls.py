from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("jobs", "0004_deadletter_owner")]
    operations: ClassVar[list[Any]] = []
