"""Real servers, real HTTP."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import licentia

pytestmark = pytest.mark.thread_unsafe(reason="starts servers")

APPS = Path(__file__).parent / "apps"
LIMIT = 300
SERVERS = {
    "fastapi": ["uvicorn", "--log-level", "warning", "--port", "{port}", "with_fastapi:app"],
    "asgi": ["uvicorn", "--log-level", "warning", "--port", "{port}", "with_asgi:app"],
    "flask": ["gunicorn", "--log-level", "warning", "-b", "127.0.0.1:{port}", "--threads", "4", "with_flask:app"],
}
WORKERS = ["--workers", "4"]
PRELOADED = [*WORKERS, "--preload"]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def served(name: str, key: licentia.Key, store: str, options: list[str], **environment: str) -> Iterator[str]:
    """Runs a server until it is no longer needed, and gives its address."""
    port = free_port()
    program, *arguments = SERVERS[name]
    arguments = [argument.format(port=port) for argument in arguments]
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", program, *options, *arguments]
    environment |= os.environ | {"LICENTIA_KEY": str(key), "LICENTIA_STORE": store, "PYTHONDONTWRITEBYTECODE": "1"}
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=APPS, env=environment) as server:
        try:
            wait_for(f"{address}/health", server)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        assert server.poll() is None, "the server ended"
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def licence(issuer: licentia.Issuer, subject: str = "cus_42") -> str:
    end = int(time.time()) + 3600
    return issuer.issue(subject, "pro", expires=end, features={"export": True}, quotas={"calls": f"{LIMIT}/lifetime"})


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"bearer {token}"}


def exhaust(address: str, token: str) -> tuple[int, Counter[object]]:
    """Asks until every worker has nothing left; gives how often it was allowed, and by whom."""
    workers: Counter[object] = Counter()

    def ask(count: int) -> int:
        allowed = 0
        # Without keep-alive, so that every request may come to any of the workers.
        with httpx.Client(headers={"connection": "close"} | bearer(token), timeout=30) as client:
            for _ in range(count):
                answer = client.get(f"{address}/export")
                assert answer.status_code in {200, 429}, answer.text
                if answer.status_code == 200:
                    workers[answer.json().get("worker")] += 1
                    allowed += 1
        return allowed

    allowed = 0
    with ThreadPoolExecutor(8) as pool:
        while True:
            found = sum(pool.map(ask, [15] * 8))
            allowed += found
            if found == 0:
                return allowed, workers


@pytest.mark.parametrize("name", SERVERS)
def test_refusals_are_answered(name: str, issuer: licentia.Issuer) -> None:
    token = licence(issuer)
    with served(name, issuer.key, "memory:", []) as address, httpx.Client(base_url=address) as client:
        allowed = client.get("/export?a=b", headers=bearer(token))
        assert allowed.status_code == 200, allowed.text
        assert allowed.json()["for"] == "cus_42"
        assert f'"calls";r={LIMIT - 1}' in allowed.headers["ratelimit"]
        assert "ratelimit-policy" in allowed.headers

        missing = client.get("/export")
        assert (missing.status_code, missing.headers["www-authenticate"]) == (401, "Bearer")
        assert missing.headers["content-type"] == "application/problem+json"
        assert missing.json()["name"] == "missing_token"

        for bad in ("lic1_no", "é", token + "x"):
            refused = client.get("/export", headers={"authorization": f"Bearer {bad}".encode()})
            assert refused.status_code == 401
            assert refused.json()["status"] == 401
            assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert client.get("/export", headers={"authorization": "Basic Zm9v"}).json()["name"] == "missing_token"

        plain = licentia.Issuer("acme", licentia.SigningKey.generate())
        assert client.get("/export", headers=bearer(licence(plain))).json()["name"] == "unknown_key"
        end = int(time.time()) + 60
        poor = issuer.issue("cus_43", "free", expires=end)
        denied = client.get("/export", headers=bearer(poor))
        assert (denied.status_code, denied.json()["name"]) == (403, "feature_not_licensed")
        limited = issuer.issue("a", "b", expires=end, features={"export": True}, quotas={"calls": "1/day"})
        assert client.get("/export", headers=bearer(limited)).status_code == 200
        exceeded = client.get("/export", headers=bearer(limited))
        assert (exceeded.status_code, exceeded.json()["name"]) == (429, "quota_exceeded")
        assert 0 < int(exceeded.headers["retry-after"]) <= 86_400
        if name == "fastapi":
            assert client.get("/gold", headers=bearer(token)).json()["code"] == 410


def test_a_quota_is_exact_in_one_process(issuer: licentia.Issuer) -> None:
    token = licence(issuer)
    with served("fastapi", issuer.key, "memory:", []) as address:
        assert exhaust(address, token)[0] == LIMIT


@pytest.mark.parametrize(("name", "options"), [("flask", WORKERS), ("flask", PRELOADED), ("fastapi", WORKERS)])
def test_a_quota_is_exact_over_all_workers(
    name: str, options: list[str], issuer: licentia.Issuer, tmp_path: Path
) -> None:
    token, store = licence(issuer), f"sqlite:///{tmp_path}/usage.db"
    with served(name, issuer.key, store, options) as address:
        allowed, workers = exhaust(address, token)
    assert allowed == LIMIT
    if name == "flask":
        assert len(workers) > 1, "one worker did everything"


def test_a_child_never_shares_a_lease_with_its_parent(issuer: licentia.Issuer, tmp_path: Path) -> None:
    token, store = licence(issuer), f"sqlite:///{tmp_path}/usage.db"
    with served("flask", issuer.key, store, PRELOADED, LICENTIA_ASK_FIRST=token) as address:
        allowed, _ = exhaust(address, token)
    # The parent spent one unit, and may hold the rest of its chunk.
    assert LIMIT - 1 - LIMIT // 16 <= allowed <= LIMIT - 1
