"""`manage.py migrate`, as the role that owns the tables."""

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate


class Command(Migrate):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        # `default` connects as the role `app`, which may not create or change any table.
        parser.set_defaults(database="owner")
