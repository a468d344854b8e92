"""The browser is driven by an event loop in the thread of the tests."""

from contextvars import Context
from typing import TYPE_CHECKING

from django.db import connections

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_thread_has_one_connection_though_a_loop_runs_in_it(browser: "Browser") -> None:
    ours = connections["default"]

    assert Context().run(lambda: connections["default"]) is ours
