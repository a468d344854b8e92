"""Imports and exports: an organization's timelines and rosters, out to a file and in from one.

`files` reads a file of any quality and `rules` turns its records into checked values; both are plain
Python and run in a `child` process without database or network, since what they read is anybody's.
`imports` is the engine that compares those values with what is there and changes it, `exports` the
way out, `store` where the files lie.
"""
