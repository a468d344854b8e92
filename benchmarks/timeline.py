"""The file that is imported, by ours and by what it is compared with."""

from collections.abc import Iterator

HEADER = "external_id,mission,kind,title,starts_at,ends_at,location,notes\n"


def file(rows: int, mission: str) -> Iterator[bytes]:
    """About 115 bytes a row; every 50th has a newline inside a cell."""
    yield HEADER.encode()
    for first in range(0, rows, 10_000):
        lines = [
            f"E-{n:07},{mission},task,Check the pump number {n},2026-03-01T09:{n % 60:02}:00Z,"
            f"2026-03-01T11:00:00Z,Hall {n % 7},"
            + ('"Two\nlines"' if n % 50 == 0 else "Bring the long ladder")
            + "\n"
            for n in range(first, min(first + 10_000, rows))
        ]
        yield "".join(lines).encode()
