"""PostgreSQL full text, in the database that holds everything else: the default.

Words are made in Python and begin with the generation's number, so that the index itself keeps one
organization's words from another's. Rows are fenced by row-level security like all others.
"""

from jobs.families.search.backends import Capability
from jobs.families.search.backends.postgresql.search import Search
from jobs.families.search.backends.postgresql.write import Write


class PostgreSQL(Write, Search):
    """The index in the table `search_document`."""

    name = "postgresql"
    capability: Capability = "compare_and_set"
