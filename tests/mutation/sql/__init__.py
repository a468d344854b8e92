"""The statements of the ledger, broken: each file of `jobs/ledger/sql` in every plausible way."""

from tests.mutation.sql import attempts, breakers, claims, keeping, line, people

MUTATIONS = (
    *line.MUTATIONS,
    *claims.MUTATIONS,
    *attempts.MUTATIONS,
    *people.MUTATIONS,
    *breakers.MUTATIONS,
    *keeping.MUTATIONS,
)
