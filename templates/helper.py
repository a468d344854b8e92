"""A helper process: parses and renders what it is sent, one request after the other.

Started by `limits` as `python -m templates.helper`, with an empty environment: no settings, no
addresses, no secrets, no connection are in this process. It ends when its standard input ends,
which also happens when its parent dies in whatever way.

A request and an answer are one line of JSON each. A request names `op` and what it needs; an answer
has `result` or `error`.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from templates import analysis, catalogue, composition
from templates.errors import RenderingFailed

READY = b'{"ready":true}\n'


def render(request: Mapping[str, Any]) -> dict[str, str]:
    """Sources and data in, a message out."""
    options = composition.Options(**request["options"])
    message = composition.compose(request["channel"], request["sources"], request["data"], options)
    return message.as_dict()


def check(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Sources in, problems out."""
    problems = analysis.check(request["event_type"], request["channel"], request["sources"])
    return [problem.as_dict() for problem in problems]


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {"render": render, "check": check}


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """One request, worked on; what a template does wrong is an answer."""
    try:
        return {"result": OPERATIONS[request["op"]](request)}
    except RenderingFailed as error:
        facts = ("message", "reason", "part", "line", "column")
        return {"error": {name: getattr(error, name) for name in facts}}
    except MemoryError:
        return {"exhausted": "memory"}
    except RecursionError:
        return {"error": {"message": "nested too deeply", "reason": "budget_exceeded"}}


def serve(requests: BinaryIO, answers: BinaryIO, *, cpu_seconds: float) -> None:
    """Answer until the requests end; a request that takes too much processor time ends us."""
    answers.write(READY)
    answers.flush()
    for line in requests:
        # SIGPROF's default action is to terminate, also in the middle of C code; unlike RLIMIT_CPU
        # the timer starts anew for each request, and counts in milliseconds.
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        reply = answer(json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(reply).encode() + b"\n")
        answers.flush()
        if "exhausted" in reply:
            return


def main() -> None:
    """Be a helper process."""
    cpu_seconds, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    # The terminal's Ctrl-C and a SIGTERM to the group are the parent's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not look like an answer
    _warm_up()
    _limit(memory_bytes)
    with contextlib.suppress(BrokenPipeError):  # nobody is left to hear the answer
        serve(sys.stdin.buffer, answers, cpu_seconds=cpu_seconds)


def _warm_up() -> None:
    """Load what is loaded lazily, so that limits and times are the templates' own."""
    for channel in catalogue.CHANNELS:
        event = catalogue.event_type("mission.created")
        sources, sample = event.default(channel), event.sample(channel)
        composition.compose(channel, sources, sample, composition.Options())


def _limit(memory_bytes: int) -> None:
    used = 0
    if (statm := Path("/proc/self/statm")).exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        ceiling = used + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
