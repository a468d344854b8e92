#!/usr/bin/env python
"""Django's command line: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        sentence = explained(error)
        if not sentence:
            raise
        sys.exit(sentence)


def explained(error: Exception) -> str:
    """What to do when the embedded server, which only `make run` keeps up, is down."""
    if os.environ.get("DATABASE_URL") or "connection" not in str(error):
        return ""
    return (
        "The embedded PostgreSQL is not running: start it with `make run` in another terminal, "
        "or set DATABASE_URL to a server of yours."
    )


if __name__ == "__main__":
    main()
