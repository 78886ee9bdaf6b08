"""Threads that work for a gate: a keeper of its meters, and a watch of its revocations."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from shared import NOW

import licentia

pytestmark = pytest.mark.thread_unsafe(reason="counts threads, and waits for them")

ROOT, REVOKER = (licentia.SigningKey.from_seed(bytes([seed]) * 32) for seed in (7, 8))


def until(true: Callable[[], object]) -> None:
    """Waits for what another thread does."""
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def threads() -> int:
    return sum(thread.name.startswith("licentia") for thread in threading.enumerate())


def keyset(issuer: licentia.Issuer) -> licentia.Keyset:
    keys = [issuer.key, {"key": REVOKER.public, "purpose": "revocation"}]
    return licentia.Keyset.sign(ROOT, keys, sequence=1, issued_at=NOW - 10, expires=NOW + 10**6)


def bundle(sequence: int, *indices: int, **others: bytes) -> licentia.RevocationBundle:
    return licentia.RevocationBundle.sign(
        REVOKER,
        issuer="acme",
        sequence=sequence,
        issued_at=NOW - 10 + sequence,
        next_update=NOW + 1000,
        expires=NOW + 2000,
        salt=bytes(16),
        indices=indices,
        **({"ids": [others["id"]]} if others else {}),  # type: ignore[arg-type]
    )


def gate_of(issuer: licentia.Issuer) -> licentia.Gate:
    return licentia.Gate(root=ROOT.public, keyset=keyset(issuer))


def revoked(gate: licentia.Gate, token: str) -> bool:
    return gate.check(token, now=NOW).name == "revoked"


@pytest.fixture
def token(issuer: licentia.Issuer) -> str:
    return issuer.issue("a", "pro", issued_at=NOW - 100, expires=NOW + 10**6, index=5)


def test_bundles_and_deltas_are_signed(token: str, issuer: licentia.Issuer) -> None:
    gate, keys = gate_of(issuer), keyset(issuer)
    assert (keys.sequence, len(keys.keys)) == (1, 2)
    first, second = bundle(1, 4), bundle(2, 4, 5)
    delta = licentia.RevocationBundle.sign_delta(REVOKER, first, second)
    assert (delta.base, delta.sequence, first.base, first.issuer) == (1, 2, None, "acme")
    for made in (first, delta):
        assert bytes(licentia.RevocationBundle(bytes(made), keys)) == bytes(made)
    assert gate.load_revocation(first)
    assert not revoked(gate, token)
    assert gate.load_revocation(delta)
    assert revoked(gate, token)
    plain = issuer.issue("b", "pro", issued_at=NOW - 100, expires=NOW + 10**6)
    assert not revoked(gate, plain)
    assert gate.load_revocation(bundle(3, id=bytes.fromhex(licentia.inspect(plain).id)))
    assert revoked(gate, plain)
    with pytest.raises(licentia.InvalidArgumentError, match="later bundle"):
        licentia.RevocationBundle.sign_delta(REVOKER, second, first)
    with pytest.raises(licentia.InvalidArgumentError, match="begin at 1"):
        licentia.Keyset.sign(ROOT, [issuer.key], sequence=0, expires=NOW)
    with pytest.raises(licentia.InvalidArgumentError, match="unknown variant `lost`"):
        licentia.Keyset.sign(ROOT, [{"key": issuer.key, "state": "lost"}], sequence=1, expires=NOW)
    with pytest.raises(licentia.InvalidArgumentError, match="2\\^64"):
        bundle(1, -1)


def test_a_gate_may_require_a_bundle(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(root=ROOT.public, keyset=keyset(issuer), require_revocation=True, share_rates=True)
    assert gate.check(token, now=NOW).name == "revocation_stale"
    gate.load_revocation(bundle(1))
    assert gate.check(token, now=NOW)


def test_a_file_is_watched(token: str, issuer: licentia.Issuer, tmp_path: Path) -> None:
    gate, file, wrong = gate_of(issuer), tmp_path / "revoked", list[Exception]()

    def publish(data: bytes) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_bytes(data)
        fresh.replace(file)

    with pytest.raises(licentia.StoreError):
        licentia.Watch(gate, file)
    publish(bytes(bundle(1, 4)))
    with licentia.Watch(gate, file, 0.05, on_error=wrong.append):
        assert not revoked(gate, token)
        publish(b"nonsense")
        until(lambda: wrong)
        assert isinstance(wrong[0], licentia.RejectedError)
        publish(bytes(bundle(2, 4, 5)))
        until(lambda: revoked(gate, token))
    until(lambda: threads() == 0)
    assert len(wrong) == 1


def test_anything_is_a_source(
    token: str, issuer: licentia.Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    gate, coming = gate_of(issuer), [bundle(1, 4), None, KeyError("network"), bytes(bundle(2, 5))]

    def fetch() -> licentia.RevocationBundle | bytes | None:
        given = coming.pop(0) if coming else None
        if isinstance(given, Exception):
            raise given
        return given

    with caplog.at_level(logging.ERROR, "licentia"), licentia.Watch(gate, fetch, 0.05):
        until(lambda: revoked(gate, token))
    assert "goes on after an error" in caplog.text
    with pytest.raises(KeyError):
        licentia.Watch(gate, {}.popitem)  # type: ignore[arg-type]


def test_a_keeper_gives_back_what_nobody_uses(issuer: licentia.Issuer, tmp_path: Path) -> None:
    token, store = issuer.issue("a", "pro", expires=4_000_000_000, quotas={"calls": "20000/day"}), f"sqlite:///{tmp_path}/a.db"
    gate = licentia.Gate(issuer.key, store=store)

    def used() -> int:
        charge = licentia.Gate(issuer.key, store=store).check(token, meters={"calls": 0}).charges[0]
        return charge.limit - charge.remaining

    def spend() -> None:
        for _ in range(100):
            assert gate.check(token, meters="calls")

    spend()
    assert used() > 100, "nothing was taken ahead"
    with licentia.Refiller(gate, 0.05):
        until(lambda: used() == 100)
        if hasattr(os, "fork"):
            # It goes on in a child, which has no other thread.
            child = os.fork()
            if child == 0:
                try:
                    spend()
                    until(lambda: used() == 200)
                    os._exit(0)
                finally:
                    os._exit(1)
            ended: list[int] = []
            until(lambda: [ended.append(status) for pid, status in [os.waitpid(child, os.WNOHANG)] if pid])
            assert ended == [0]


@pytest.mark.parametrize("drop", ["worker", "gate"])
def test_a_thread_ends_with_what_it_is_for(drop: str, issuer: licentia.Issuer) -> None:
    until(lambda: threads() == 0)
    mine = {"gate": licentia.Gate(issuer.key)}
    mine["worker"] = licentia.Refiller(mine["gate"], 0.05)  # type: ignore[assignment]
    assert threads() == 1
    del mine[drop]
    gc.collect()
    until(lambda: threads() == 0)
    with pytest.raises(ValueError, match="interval"):
        licentia.Refiller(licentia.Gate(issuer.key), 0)


def test_the_interpreter_ends_while_threads_are_at_work(issuer: licentia.Issuer, tmp_path: Path) -> None:
    program = """
import sys, licentia
gate = licentia.Gate(sys.argv[1], store=sys.argv[2])
for _ in range(20):
    assert gate.check(sys.argv[3], meters="calls")
kept = [licentia.Refiller(gate, 0.0001) for _ in range(4)]
"""
    store = f"sqlite:///{tmp_path}/usage.db"
    token = issuer.issue("a", "pro", expires=4_000_000_000, quotas={"calls": "20000/day"})
    command = [sys.executable, "-W", "error", "-c", program, str(issuer.key), store, token]
    for _ in range(5):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
    charge = licentia.Gate(issuer.key, store=store).check(token, meters={"calls": 0}).charges[0]
    assert charge.limit - charge.remaining == 100
