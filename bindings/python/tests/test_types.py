"""The stubs fit the module, and a typed program of a customer's passes the strictest checks."""

from __future__ import annotations

import os
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
        ["mypy", "--strict", "--no-incremental", "--cache-dir", "{tmp}", "../python/licentia"],
        ["pyright", "--pythonpath", sys.executable, "typed.py"],
        ["pyright", "--pythonpath", sys.executable, "--project", ".."],
        ["pyright", "--pythonpath", sys.executable, "--verifytypes", "licentia", "--ignoreexternal"],
    ],
    ids=["stubtest", "mypy", "mypy-package", "pyright", "pyright-package", "verifytypes"],
)
def test_types(command: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", *(word.format(tmp=tmp_path) for word in command)]
    # To verify a package's types, pyright asks the `python` of the path where the package is.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
