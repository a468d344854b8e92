"""Our own side of the benchmarks: processes of their own, like every peer's."""
