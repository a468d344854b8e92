"""The guards of `jobs/execution` around the statements, broken."""

from tests.mutation import Mutation

EXECUTION = "tests/integration/jobs/execution/"
MUTATIONS: tuple[Mutation, ...] = ()
