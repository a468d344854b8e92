"""Sets the clock of a Python process wrong, for the whole of its life, by `DRILL_CLOCK_SECONDS`.

Python imports this file before anything else of ours when its folder is in PYTHONPATH. Without root
nobody can change the clock of one process only (a time namespace does not cover the wall clock),
and what asks for the time in a worker asks through these functions.
"""

import ctypes
import datetime
import gc
import os
import time

OFF = float(os.environ.get("DRILL_CLOCK_SECONDS", "0"))


def _shift(module: object, name: str, by: float) -> None:
    right = getattr(module, name)
    setattr(module, name, lambda: right() + by)


def _replace(kind: type, **methods: object) -> None:
    """In the type itself: it is written in C and refuses the ordinary way."""
    [attributes] = gc.get_referents(kind.__dict__)
    attributes.update(methods)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


if OFF:
    by = datetime.timedelta(seconds=OFF)
    now, utcnow, today = (getattr(datetime.datetime, name) for name in ("now", "utcnow", "today"))
    _shift(time, "time", OFF)
    _shift(time, "time_ns", int(OFF * 1_000_000_000))
    _replace(
        datetime.datetime,
        now=classmethod(lambda kind, tz=None: now(tz) + by),
        utcnow=classmethod(lambda kind: utcnow() + by),
        today=classmethod(lambda kind: today() + by),
    )
