"""The newcomer's example runs, and says what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="starts a program")
EXAMPLE = Path(__file__).parents[3] / "examples" / "python" / "quickstart.py"


def test_the_quickstart_runs() -> None:
    run = [sys.executable, "-W", "error", str(EXAMPLE)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "call 4: denied, 610 quota_exceeded" in done.stdout
    assert done.stdout.strip().endswith("That is all.")
