"""``python -m licentia``."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from shared import NOW

import licentia
from licentia.__main__ import main


def test_verify(token: str, issuer: licentia.Issuer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "licence"
    file.write_text(token + "\n")
    base = ["verify", str(file), "--key", str(issuer.key), "--at", str(NOW)]
    assert main(base) == 0
    assert capsys.readouterr().out.startswith("allowed: 0 allowed (active)\npass  frame")
    assert main([*base, "--feature", "gold", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["name"] == "feature_not_licensed"
    assert main(["verify", str(file), "--key", "licpub1_x"]) == 2
    assert capsys.readouterr().err.startswith("error: 801 invalid_key")
    assert main(["verify", str(tmp_path / "missing"), "--key", str(issuer.key)]) == 2


def test_inspect(token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(token + "\n"))
    assert main(["inspect"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["sub"] == "cus_42"
    assert shown.err.startswith("Not verified")


def test_the_module_runs(token: str) -> None:
    run = [sys.executable, "-W", "error", "-m", "licentia", "inspect", "--json"]
    done = subprocess.run(run, input=token, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["tier"] == {"name": "pro", "version": 3}
