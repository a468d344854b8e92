"""The browser of the browser tests: a Chromium that this machine has. None is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_MS = 20_000  # of an expectation, on a machine that runs much else
FLAGS = [
    # Nothing that the tests do should call out.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",  # containers have little of it
]


def executable() -> str:
    given = os.environ.get("CHROMIUM")
    for name in [given] if given else NAMES:
        if found := shutil.which(name):
            return found
    pytest.fail(
        "No Chromium was found for the browser tests: install the package `chromium` "
        "(Debian, Fedora, Arch), `chromium-browser` (Ubuntu) or Google Chrome, or set CHROMIUM "
        "to its program.",
        pytrace=False,
    )


@contextmanager
def launched() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, where Django would refuse every query of the test.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE_MS)
    # Chromium's sandbox does not work as root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=flags)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
