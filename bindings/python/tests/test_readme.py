"""What the README shows runs, from its first line to its last."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="starts a program")
README = Path(__file__).parents[1] / "README.md"


def test_the_readme_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 10
    run = [sys.executable, "-W", "error", "-"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    program = "\n".join(blocks) + "\nprint('That is all.')\n"
    done = subprocess.run(
        run, input=program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("customer-42 99999\n")
    assert done.stdout.endswith("That is all.\n")
