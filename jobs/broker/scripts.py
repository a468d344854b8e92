"""The Lua operations: read from `lua/`, put together, run by digest."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def assemble(name: str) -> str:
    source = (LUA / f"{name}.lua").read_text()
    return _INCLUDE.sub(lambda found: (LUA / "include" / f"{found[1]}.lua").read_text(), source)
