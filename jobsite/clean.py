"""`python -m jobsite.clean`, what `make clean` calls: remove the data of `make run`.

Only what `make run` makes is removed, by name: DATA_DIR may point at a folder with other things.
"""

import os
import shutil
import sys
from pathlib import Path

from jobsite.embedded import process
from jobsite.embedded.process import AlreadyRunning

NAMES = [
    "postgres",
    "postgres.new",
    "postgres.lock",
    "postgres.log",
    "valkey",
    "valkey.lock",
    "valkey.log",
    "objects",
    "run",
    "run.lock",
    "logs",
    "secret_key",
    "receiver_secrets.json",
    "demo.seeded",
]


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobsite.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        data: Path = settings.DATA_DIR
    except ImproperlyConfigured as error:  # a variable with a value that cannot be used
        print(error)
        return 1
    if not data.is_dir():
        return 0
    try:
        with process.locked(data / "run.lock", patience_seconds=1):
            for name in NAMES:
                remove(data / name)
            shutil.rmtree(settings.PLACES.sockets, ignore_errors=True)
    except AlreadyRunning:
        print("It is running: stop it first (Ctrl-C where `make run` runs), then clean.")
        return 1
    left = [path.name for path in data.iterdir()]
    if left:
        print(f"Removed the data; {data} keeps what is not ours: {', '.join(left[:5])}.")
    else:
        data.rmdir()
        print(f"Removed {data}.")
    return 0


def remove(path: Path) -> None:
    if path.is_symlink():  # data that lie elsewhere, see embedded.account.reachable_data
        shutil.rmtree(path.resolve().parent, ignore_errors=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
