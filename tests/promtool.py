"""Prometheus' own tool, which tests the rules of deploy/prometheus. None is downloaded."""

import os
import shutil

import pytest


def executable() -> str:
    if found := shutil.which(os.environ.get("PROMTOOL") or "promtool"):
        return found
    pytest.fail(
        "No promtool was found for the tests of deploy/prometheus: install the package "
        "`prometheus` (Debian, Ubuntu) or `golang-github-prometheus` (Fedora), or set PROMTOOL to "
        "the program.",
        pytrace=False,
    )
