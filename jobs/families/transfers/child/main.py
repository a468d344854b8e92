"""Be the process that reads a file: one request on standard input, frames on standard output.

Started by `parent` as `python -m jobs.families.transfers.child.main`, with an empty environment.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any, BinaryIO

from jobs.families.transfers.child import protocol, verbs
from jobs.families.transfers.files.issues import Refused

EXIT_MEMORY = 77
THREAD_STACK_BYTES = 256 * 1024
SPARE_ADDRESSES = 2 * 1024 * 1024 * 1024
"""Beyond the limit of data: libraries and files that are mapped, which costs no memory."""


def main() -> None:
    """Read the request, be limited, work, answer."""
    # The terminal's Ctrl-C and a SIGTERM to the group are the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", buffering=1024 * 1024)
    os.dup2(2, 1)  # a stray print must not look like a frame
    request = json.loads(sys.stdin.buffer.readline())
    threading.stack_size(THREAD_STACK_BYTES)  # it counts as data of ours
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _limit(request["process"], writes=request["verb"] == "report")
    status = _work(request, answers)
    with contextlib.suppress(BrokenPipeError):
        answers.flush()
    os._exit(status)  # nothing is left to tidy, and a library's threads might hang


def _work(request: Mapping[str, Any], answers: BinaryIO) -> int:
    try:
        verbs.run(request, lambda kind, head, body=b"": protocol.write(answers, kind, head, body))
    except Refused as refused:
        protocol.write(answers, "refused", {"issue": refused.issue.as_json()})
    except MemoryError:
        return EXIT_MEMORY
    except BrokenPipeError:  # nobody is left to hear the answer
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote the file
        protocol.write(answers, "failed", {"where": _where(error)})
    return 0


def _where(error: Exception) -> str:
    """The kind of the error and our line; never its text, which is the file's."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "transfers" in frame.filename] or frames
    place = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__} at {place}"


def _die_with_parent() -> None:
    """Standard input stays open as long as the parent lives, and closes however it ends."""
    sys.stdin.buffer.read(1)
    os._exit(1)


def _limit(process: Mapping[str, Any], *, writes: bool) -> None:
    memory, cpu = int(process["memory_bytes"]), int(process["cpu_seconds"])
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_AS, (memory + SPARE_ADDRESSES, memory + SPARE_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = int(process["out_bytes"]) if writes else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


if __name__ == "__main__":
    main()
