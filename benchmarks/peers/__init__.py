"""The peers: one file each declares the no-op job as its documentation does, and fills its queue.

`python -m benchmarks.peers.NAME COUNT` puts so many jobs in line. How each worker is started and
set up stands in `benchmarks/contenders.py`.
"""
