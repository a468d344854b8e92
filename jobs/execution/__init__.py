"""A job inside a worker, in the order it happens: claim → revalidate → scope → perform → settle.

`run.py` is that walk. It is plain code around the actor, not a Dramatiq middleware: an exception in
a middleware's `before_process_message` is logged and swallowed, and the actor runs anyway.
"""
