"""Real servers, real HTTP."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx2 as httpx
import pytest
from servers import SERVERS, WORKERS, bearer, redis, served

import licentia

pytestmark = pytest.mark.thread_unsafe(reason="starts servers")

LIMIT = 300
PRELOADED = [*WORKERS, "--preload"]


def licence(issuer: licentia.Issuer, subject: str = "cus_42") -> str:
    end = int(time.time()) + 3600
    return issuer.issue(subject, "pro", expires=end, features={"export": True}, quotas={"calls": f"{LIMIT}/lifetime"})


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


def test_a_store_out_of_reach_is_told(issuer: licentia.Issuer, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    with served("fastapi", issuer.key, f"sqlite:///{folder}/usage.db", []) as address:
        shutil.rmtree(folder)
        answer = httpx.get(f"{address}/export", headers=bearer(licence(issuer)))
    assert (answer.status_code, answer.json()["name"]) == (503, "store_unreachable")
    assert answer.headers["content-type"] == "application/problem+json"


def left(issuer: licentia.Issuer, token: str, store: str) -> int:
    """What the store has, once everybody has given back what was not used."""
    return licentia.Gate(issuer.key, store=store).check(token, meters={"calls": 0}).charges[0].remaining


@pytest.mark.parametrize(("name", "options", "kind"), [
    ("flask", WORKERS, "sqlite"),
    ("flask", PRELOADED, "sqlite"),
    ("flask", PRELOADED, "redis"),
    ("fastapi", [], "sqlite"),
    ("fastapi", WORKERS, "sqlite"),
    ("fastapi", WORKERS, "redis"),
    ("asgi", WORKERS, "sqlite"),
])
def test_a_quota_is_exact_over_all_workers(
    name: str, options: list[str], kind: str, issuer: licentia.Issuer, tmp_path: Path
) -> None:
    token = licence(issuer)
    with ExitStack() as stack:
        store = stack.enter_context(redis()) if kind == "redis" else f"sqlite:///{tmp_path}/usage.db"
        with served(name, issuer.key, store, options) as address:
            allowed, workers = exhaust(address, token)
        # A worker that got no more requests may have kept a few units until it ended.
        assert allowed <= LIMIT
        assert allowed + left(issuer, token, store) == LIMIT
    assert allowed > LIMIT * 0.9
    if options and name == "flask":
        assert len(workers) > 1, "one worker did everything"


def test_a_child_never_shares_a_lease_with_its_parent(issuer: licentia.Issuer, tmp_path: Path) -> None:
    end, limit = int(time.time()) + 3600, 5000
    quotas = {"calls": f"{limit}/lifetime"}
    token = issuer.issue("cus_42", "pro", expires=end, features={"export": True}, quotas=quotas)
    store = f"sqlite:///{tmp_path}/usage.db"
    with served("flask", issuer.key, store, PRELOADED, LICENTIA_ASK_FIRST=token) as address:
        allowed = 0
        with httpx.Client(headers={"connection": "close"} | bearer(token), timeout=30) as client:
            for _ in range(200):
                allowed += client.get(f"{address}/export").status_code == 200
    assert allowed == 200
    # The parent has spent 50 and gives the rest of what it had back, once, however many children it has.
    assert left(issuer, token, store) == limit - 50 - allowed
