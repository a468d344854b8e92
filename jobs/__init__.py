"""Background work: the ledger of jobs, the queues in front of the workers, and what the jobs do.

`ledger` (PostgreSQL) is the truth and `broker` (Redis) the fast line in front of the workers;
neither knows what a job does. `execution` runs one job, in five steps. Each package under
`families` is one kind of work and reads top to bottom. Imports run: `job_types`, `errors` ←
`broker` ← `ledger` ← `execution` ← `families` ← the rest.
"""
