"""What is not a fixture, and shared all the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

NOW = 1_800_000_000


def vectors_folder() -> Path:
    """The folder of the shared vectors: the checkout's, or what the environment says."""
    return Path(os.environ.get("LICENTIA_VECTORS", Path(__file__).parents[3] / "tests" / "vectors"))


def vectors(name: str) -> dict[str, Any]:
    return json.loads((vectors_folder() / f"{name}.json").read_text("utf-8"))
