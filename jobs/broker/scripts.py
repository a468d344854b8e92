"""The Lua operations: read from `lua/`, put together, run by digest."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import NoScriptError

Argument = str | bytes | int

LUA = Path(__file__).parent / "lua"

_INCLUDE = re.compile(r"^--#include (\w+)$", re.MULTILINE)


class Script:
    """One file of `lua/` with its includes.

    Redis forgets scripts when it restarts, fails over or is told `SCRIPT FLUSH`. It then refuses
    the digest before it does anything, so the source is sent once more.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.source = assemble(name)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, client: Redis, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        try:
            return client.evalsha(self.sha, len(keys), *keys, *args)
        except NoScriptError:
            return client.eval(self.source, len(keys), *keys, *args)


class Call(NamedTuple):
    script: Script
    keys: Sequence[str]
    args: Sequence[Argument]


def run_together(client: Redis, calls: Sequence[Call]) -> list[Any]:
    """Run several in one round trip, in order; each is atomic, all of them are not."""
    if len(calls) == 1:
        return [script(client, keys, args) for script, keys, args in calls]
    pipeline = client.pipeline(transaction=False)
    for script, keys, args in calls:
        pipeline.evalsha(script.sha, len(keys), *keys, *args)
    answers = pipeline.execute(raise_on_error=False)
    for number, (script, keys, args) in enumerate(calls):
        if isinstance(answers[number], NoScriptError):
            answers[number] = client.eval(script.source, len(keys), *keys, *args)
        elif isinstance(answers[number], Exception):
            raise answers[number]
    return answers


def assemble(name: str) -> str:
    source = (LUA / f"{name}.lua").read_text()
    return _INCLUDE.sub(lambda found: (LUA / "include" / f"{found[1]}.lua").read_text(), source)
