"""`python -m jobsite.embedded.lend COMMAND…`: run a command on an empty PostgreSQL of its own.

For what asks a database about itself without having data: Django's checks (a generated column
makes them ask for the version), the search for missing migrations.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jobsite.embedded import postgres
from jobsite.embedded.places import Places


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="lent-", dir="/tmp") as name:  # short, for the socket
        folder = Path(name)
        folder.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through
        places = Places(data=folder / "data", sockets=folder / "s")
        server = postgres.start(places, options=["-c", "fsync=off"])
        try:
            return subprocess.run(
                command,
                check=False,
                env=os.environ
                | {
                    "DATA_DIR": str(folder / "data"),
                    "DATABASE_URL": places.database_url("app"),
                    "DATABASE_OWNER_URL": places.database_url("owner"),
                },
            ).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
