"""How a mutation of a statement is written down."""

from collections.abc import Callable

from tests.mutation import Mutation

JOBS = "tests/integration/jobs/"
LEDGER = f"{JOBS}ledger/"

type Broken = Callable[[str, str, str], Mutation]


def breaking(name: str, *tests: str) -> Broken:
    """Of one statement: `broken(how, old, new)`; tests: paths below the tests of the ledger."""
    paths = tuple(f"{LEDGER}{test}" for test in tests or (f"test_{name}.py",))

    def broken(how: str, old: str, new: str) -> Mutation:
        return Mutation(f"sql {name}: {how}", f"jobs/ledger/sql/{name}.sql", old, new, paths)

    return broken
