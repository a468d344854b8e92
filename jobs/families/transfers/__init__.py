"""Imports and exports: an organization's timelines and rosters, out to a file and in from one.

`files` reads a file of any quality, `rules` turns its records into checked values. Both are plain
Python and run in a `child` process without database or network: what they read is anybody's.
`imports` is the engine that compares those values with what is there and changes it, `exports` the
way out, `store` where the files lie.
"""
