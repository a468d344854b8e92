#!/usr/bin/env python3
"""Django's command line: `python3 manage.py help` lists the commands.

Any Python may start it: where the packages are missing, that of .venv takes over.
"""

import importlib.util
import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"


def main() -> None:
    if importlib.util.find_spec("django_dramatiq") is None:
        continue_in_venv()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a variable with a value that cannot be used
        sys.exit(str(error))
    except OperationalError as error:
        sentence = explained(error)
        if not sentence:
            raise
        sys.exit(sentence)


def continue_in_venv() -> None:
    """Become the same command under the Python of .venv; end with a sentence where it is not."""
    python = VENV / "bin" / "python"
    if Path(sys.prefix).resolve() == VENV.resolve() or not os.access(python, os.X_OK):
        sys.exit(
            "The packages are not installed: `make run` installs and starts everything, "
            "`./bootstrap.sh runtime` installs only."
        )
    os.execv(python, [str(python), *sys.argv])  # noqa: S606 - no shell is wanted


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
