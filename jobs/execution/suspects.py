"""Jobs under which a worker died run alone, so that one that kills takes nobody with it.

Which of the jobs that a dead worker ran was at fault, nobody knows: all of them are suspects, until
one ends an attempt alive. A suspect waits until nothing else runs in this process, and while it
runs nothing else begins; so the second death has one suspect only, and the others are clear.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

# How long one waits for the other side. Then they run side by side: a killer kills soon, and a
# suspect of half an hour must not stand before everybody else's work.
PATIENCE_SECONDS = 5.0


class Company:
    """Who runs in this process now: any number of jobs together, or one suspect alone."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._changed = Condition()
        self._together = 0
        self._has_suspect = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run beside others, after a suspect."""
        with self._changed:
            self._changed.wait_for(lambda: not self._has_suspect, self._patience)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Run after the others, and before any; False when there is another suspect already."""
        with self._changed:
            may_enter = not self._has_suspect
            if may_enter:
                self._has_suspect = True
                self._changed.wait_for(lambda: not self._together, self._patience)
        try:
            yield may_enter
        finally:
            if may_enter:
                with self._changed:
                    self._has_suspect = False
                    self._changed.notify_all()


company = Company()
