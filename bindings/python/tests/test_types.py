"""The stubs fit the module, and a typed program of a customer's passes the strictest checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="starts programs")
HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "command",
    [
        ["mypy.stubtest", "licentia"],
        ["mypy", "--strict", "--no-incremental", "--cache-dir", "{tmp}", "typed.py"],
        ["pyright", "--pythonpath", sys.executable, "typed.py"],
        ["pyright", "--pythonpath", sys.executable, "--verifytypes", "licentia", "--ignoreexternal"],
    ],
    ids=["stubtest", "mypy", "pyright", "verifytypes"],
)
def test_types(command: list[str], tmp_path: Path) -> None:
    command = [word.format(tmp=tmp_path) for word in command]
    done = subprocess.run([sys.executable, "-m", *command], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
