"""Real servers for the tests, over real HTTP."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx

import licentia

APPS = Path(__file__).parent / "apps"
SERVERS = {
    "fastapi": ["uvicorn", "--log-level", "warning", "--port", "{port}", "with_fastapi:app"],
    "asgi": ["uvicorn", "--log-level", "warning", "--port", "{port}", "with_asgi:app"],
    "flask": ["gunicorn", "--log-level", "warning", "-b", "127.0.0.1:{port}", "--threads", "4", "with_flask:app"],
}
WORKERS = ["--workers", "4"]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def served(
    name: str, key: licentia.Key, store: str, options: list[str], *, root: str = "", **environment: str
) -> Iterator[str]:
    """Runs a server until it is no longer needed, and gives its address."""
    port = free_port()
    program, *arguments = SERVERS[name]
    arguments = [argument.format(port=port) for argument in arguments]
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", program, *options, *arguments]
    environment |= os.environ | {"LICENTIA_KEY": str(key), "LICENTIA_STORE": store, "PYTHONDONTWRITEBYTECODE": "1"}
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=APPS, env=environment) as server:
        try:
            wait_for(f"{address}{root}/health", server)
            yield address
        finally:
            server.terminate()
            server.wait(60)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        assert server.poll() is None, "the server ended"
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Runs a Redis, and gives its URL."""
    program = shutil.which("redis-server")
    assert program, "install redis-server"
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"bearer {token}"}
