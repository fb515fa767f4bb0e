"""Programs of other makers that some tests talk to."""

from __future__ import annotations

import os
import shutil

import pytest


def require_peer(program: str, *elsewhere: str) -> str:
    """The program's path: from PATH, else the first of `elsewhere` that can be run.

    A test that needs a program which is missing is skipped; in CI, where it must be there, it fails.
    """
    for candidate in (program, *elsewhere):
        found = shutil.which(candidate)
        if found is not None:
            return found
    reason = f"{program} is not installed"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
