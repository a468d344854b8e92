"""`python -m jobsite.running.tether COMMAND…`: become COMMAND, and end when the starter ends.

The kernel sends SIGTERM to the process that COMMAND becomes, and to that one only: dramatiq's
master hands it on to its workers, and a second one would make them drop what they run.
"""

import os
import signal
import sys

from jobsite.embedded.process import die_with_starter


def main() -> None:
    die_with_starter(signal.SIGTERM)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
