"""Calls whose answers are read later: who enqueues a job goes on while Redis puts it in line.

Only for what the relay would put right. What Redis refuses, and what is lost with a connection, is
logged when the answer is missed, and is in line a second later.
"""

import os
import threading
from collections.abc import Sequence
from itertools import chain
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import NoScriptError, ResponseError

from jobs.broker.client import guarded
from jobs.broker.errors import BrokerUnavailable
from jobs.broker.scripts import Call

log = structlog.get_logger(__name__)


class Post:
    """One connection at a time, of which the threads of a process make use in turn."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._connection: Any = None  # which the answers come from
        self._unanswered: Sequence[Call] = ()
        self._jobs = 0
        self._has_heard = False

    def send(self, calls: Sequence[Call], *, jobs: int) -> None:
        """Send calls that carry so many jobs, once those before are answered.

        Raises BrokerUnavailable when they cannot be sent.
        """
        if self._pid != os.getpid():
            self._begin()  # what is under way is the parent's
        with self._lock:
            self.hear()
            guarded(self._send, calls)
            self._unanswered, self._jobs = calls, jobs
            if not self._has_heard:
                # Redis may not have the scripts yet: nobody else might ask for a long time.
                self.hear()
                self._has_heard = True

    def hear(self) -> None:
        """Wait for the answers that are missing."""
        if not self._unanswered or self._pid != os.getpid():
            return
        with self._lock:
            calls, self._unanswered = self._unanswered, ()
            try:
                guarded(self._hear, calls)
            except BrokerUnavailable as error:
                log.warning("jobs_publish_deferred", jobs=self._jobs, error=str(error))

    def _send(self, calls: Sequence[Call]) -> None:
        # The pool notices where a connection died meanwhile.
        self._connection = self._client.connection_pool.get_connection()
        pack = self._connection.pack_command
        commands = (
            pack("EVALSHA", script.sha, len(keys), *keys, *args) for script, keys, args in calls
        )
        try:
            # In one piece: the kernel's buffer takes a thousand jobs so, of small ones the half.
            whole = b"".join(chain.from_iterable(commands))
            self._connection.send_packed_command([whole])
        except BaseException:
            self._drop()
            raise

    def _hear(self, calls: Sequence[Call]) -> None:
        try:
            answers = [self._answer() for _ in calls]
        except BaseException:
            self._drop()
            raise
        self._release()
        for (script, keys, args), answer in zip(calls, answers, strict=True):
            if isinstance(answer, NoScriptError):
                script(self._client, keys, args)
            elif isinstance(answer, ResponseError):
                raise answer

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except ResponseError as refusal:
            return refusal

    def _drop(self) -> None:
        """Nobody may take for theirs what it would answer yet."""
        self._connection.disconnect()
        self._release()

    def _release(self) -> None:
        self._client.connection_pool.release(self._connection)
        self._connection = None
