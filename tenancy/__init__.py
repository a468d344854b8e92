"""Organizations, their projects, missions and people, and the two questions asked of every row.

`scope` answers who may *see* which rows; PostgreSQL enforces it (row-level security, `rls`).
`access` answers who may *do* what to them; admin, API and workers ask it alike.
`changes` is the one door through which domain entities are written, so that every write is audited
and becomes a domain event, whoever makes it.
"""
