"""Memory stays as it is over a million calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="measures memory")

PROGRAM = """
import gc, sys, tracemalloc
import licentia

NOW = 1_800_000_000
issuer = licentia.Issuer("acme", licentia.SigningKey.generate())
token = issuer.issue("a", "pro", issued_at=NOW, expires=NOW + 9, features={"export": True},
                     quotas={"calls": f"{10**12}/day"}, rates={"api": "1000000/1s"})
forged = token[:-2] + ("AA" if token[-2:] != "AA" else "Ag")
events = [0]
def count(event):
    events[0] += event.code
gate = licentia.Gate(issuer.key, on_event=count)
quiet = licentia.Gate(issuer.key)
request = licentia.Request(features="export", meters="calls", rates="api")

def everything():
    decision = gate.check(token, request, now=NOW)
    decision.license.to_dict(), decision.charges, decision.explanation, decision.to_dict(), decision.license.expires
    assert not gate.check(forged, request, now=NOW)
    try:
        quiet.check(token, features="gold", now=NOW).raise_for_denied()
    except licentia.DeniedError:
        pass
    for wrong in (b"", 7, "no"):
        try:
            licentia.Keyset(wrong, issuer.key)
        except (licentia.LicentiaError, TypeError):
            pass
    try:
        licentia.inspect(forged)
    except licentia.LicentiaError:
        pass
    request.replace(features=["export"], source="x")

def work(calls):
    check = quiet.check
    for _ in range(calls // 100):
        for _ in range(95):
            check(token, request, now=NOW)
        everything()

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

work(100_000)
before = resident()
work(1_000_000)
grown = resident() - before
tracemalloc.start()
work(5_000)
gc.collect()
first = tracemalloc.get_traced_memory()[0]
work(50_000)
gc.collect()
traced = tracemalloc.get_traced_memory()[0] - first
print(grown, traced)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to measure memory")
def test_a_million_calls_are_flat() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    grown, traced = map(int, done.stdout.split())
    # A leak of one byte a call would be a million.
    assert grown < 500_000, f"{grown} bytes more are resident"
    assert traced < 10_000, f"{traced} bytes more are allocated"
