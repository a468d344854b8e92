"""Does the suite notice when an operation is broken?

Each mutation breaks one operation in one plausible way, in a copy of the project, and runs the
tests that should go red. `python -m tests.mutation` runs all of them and prints a line for each;
with words as arguments, those whose description holds all of them: `sql`, `lua fetch`,
`execution`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One operation, broken."""

    what: str  # "language operation: how it is broken"
    path: str
    old: str  # stands in the file exactly once
    new: str
    tests: tuple[str, ...]  # one of them goes red
