"""Benchmarks: `python -m benchmarks NAME… [--json] [--markdown] [--quick] [--rounds N]`.

One file asks one question. Every system, ours included, runs in processes of its own, on servers
that a run starts for itself; the harness only fills, starts, waits and counts. Systems are measured
turn by turn (A B A B …), and what is claimed is the ratio of two figures of the same round, because
a machine that is busy is busy for both. `docs/benchmarks.md` says how to read the tables.
"""

NAMES = (
    "broker",
    "idle",
    "latency",
    "fairness",
    "ledger",
    "imports",
    "exports",
    "indexing",
    "audit",
)
"""The benchmarks that carry bars, in the order in which `make bench` runs them."""
