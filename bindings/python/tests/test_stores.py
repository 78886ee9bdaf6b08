"""Stores, by URL: where they are, and that nobody waits for them who need not."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import redis

import licentia

pytestmark = pytest.mark.thread_unsafe(reason="starts programs, and measures who waits")

# Holds the file of a store until its input ends. In the same process, SQLite's locks of two builds of it do not meet.
HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("!", end="", flush=True)
sys.stdin.read()
held.execute("COMMIT")
"""


@contextlib.contextmanager
def held(file: Path, seconds: float = 0.7) -> Iterator[None]:
    """Holds a file for a while, and goes on at once."""
    command = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.read(1) == b"!"
        timer = threading.Timer(seconds, holder.stdin.close)
        timer.start()
        yield
        timer.join()
        holder.wait(30)


@pytest.fixture
def token(issuer: licentia.Issuer) -> str:
    return issuer.issue("a", "pro", expires=4_000_000_000, quotas={"calls": "20000/day"}, seats=3)


def left(issuer: licentia.Issuer, token: str, store: str) -> int:
    return licentia.Gate(issuer.key, store=store).check(token, meters={"calls": 0}).charges[0].remaining


def counted_during(work: Callable[[], object]) -> int:
    """How often another thread could count while this one was at work."""
    stop, count = threading.Event(), 0

    def counting() -> None:
        nonlocal count
        while not stop.wait(0.01):
            count += 1

    thread = threading.Thread(target=counting)
    thread.start()
    try:
        start = count
        work()
        return count - start
    finally:
        stop.set()
        thread.join()


def test_whoever_waits_for_a_store_lets_others_run(issuer: licentia.Issuer, token: str, tmp_path: Path) -> None:
    file = tmp_path / "usage.db"
    store = f"sqlite:///{file}"
    gate = licentia.Gate(issuer.key, store=store)

    def spend() -> None:
        """Uses a hundred units, so fast that more are taken ahead."""
        for _ in range(100):
            assert gates[0].check(token, meters="calls")

    reservations = [gate.reserve(token, meters={"calls": 100}, job="report-7")]
    seat = gate.check_out(token, "ada", 60)
    gates = [gate]
    del gate
    works: list[Callable[[], object]] = [
        lambda: gates[0].check(token, meters={"calls": 5000}),
        lambda: gates[0].check_out(token, "bob", 60),
        seat.release,
        # What is dropped gives back what it has.
        reservations.clear,
        gates.clear,
    ]
    for work in works:
        spend()
        with held(file):
            started = time.monotonic()
            counted = counted_during(work)
            assert time.monotonic() - started > 0.3, "nothing was waited for, so that this proves nothing"
        assert counted > 10
    assert left(issuer, token, store) == 20_000 - 5 * 100 - 5000


def test_an_event_loop_goes_on_while_a_store_is_waited_for(
    issuer: licentia.Issuer, token: str, tmp_path: Path
) -> None:
    file = tmp_path / "usage.db"
    gate = licentia.Gate(issuer.key, store=f"sqlite:///{file}")
    assert gate.may_block

    async def ask() -> tuple[int, bool]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticker = asyncio.create_task(tick())
        decision = await gate.check_async(token, meters={"calls": 50})
        reservation = await gate.reserve_async(token, meters={"calls": 50})
        ticker.cancel()
        return ticks, decision.allowed and bool(reservation)

    with held(file):
        ticks, allowed = asyncio.run(ask())
    assert allowed
    assert ticks > 10


def test_a_file_may_be_named_from_where_one_is(issuer: licentia.Issuer, token: str, tmp_path: Path) -> None:
    program = """
import sys, licentia
assert licentia.Gate(sys.argv[1], store="sqlite:///usage.db").check(sys.argv[2], meters={"calls": 7})
"""
    subprocess.run([sys.executable, "-c", program, str(issuer.key), token], cwd=tmp_path, check=True)
    assert (tmp_path / "usage.db").exists()
    assert left(issuer, token, f"sqlite:///{tmp_path}/usage.db") == 20_000 - 7
    with pytest.raises(licentia.StoreError):
        licentia.Store(f"sqlite:///{tmp_path}/missing/usage.db")


def test_redis(issuer: licentia.Issuer, token: str) -> None:
    with redis() as url:
        store = licentia.Store(url)
        assert store.may_block
        gates = [licentia.Gate(issuer.key, store=given) for given in (store, url)]
        assert all(gate.check(token, meters={"calls": 10_000}) for gate in gates)
        assert gates[0].check(token, meters="calls").name == "quota_exceeded"
        with gates[0].check_out(token, "ada", 60) as seat:
            assert seat
        assert gates[0].check(token, meters={"calls": 0}, job=None)
    assert gates[1].check(token, meters={"calls": 1}).name == "store_unreachable"
    assert not licentia.Store("memory:").may_block
