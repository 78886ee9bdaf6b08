"""Memory stays as it is over a million calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="measures memory")

PROGRAM = """
import gc, sys, tempfile, tracemalloc
import licentia

NOW = 1_800_000_000
signing = licentia.SigningKey.generate()
issuer = licentia.Issuer("acme", signing)
# So much that the last call is granted as the first one is.
token = issuer.issue("a", "pro", issued_at=NOW, expires=NOW + 10**6, features={"export": True}, seats=5,
                     quotas={"calls": f"{10**12}/day"}, rates={"api": "1000000000/1s"})
forged = token[:-2] + ("AA" if token[-2:] != "AA" else "Ag")
events = [0]
def count(event):
    events[0] += event.code
gate = licentia.Gate(issuer.key, on_event=count)
quiet = licentia.Gate(issuer.key)
request = licentia.Request(features="export", meters="calls", rates="api")
folder = tempfile.TemporaryDirectory()
disk = licentia.Gate(issuer.key, store=f"sqlite:///{folder.name}/usage.db")
root, revoker = licentia.SigningKey.generate(), licentia.SigningKey.generate()
keyset = licentia.Keyset.sign(root, [issuer.key, {"key": revoker.public, "purpose": "revocation"}],
                              sequence=1, issued_at=NOW, expires=NOW + 10**6)
def bundle(sequence):
    return licentia.RevocationBundle.sign(revoker, issuer="acme", sequence=sequence, issued_at=NOW, salt=bytes(16),
                                          next_update=NOW + 10**5, expires=NOW + 10**6, indices=range(100))
watched = licentia.Gate(root=root.public, keyset=keyset)
sequence = [0]

def everything():
    decision = gate.check(token, request, now=NOW)
    assert decision
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
    with quiet.reserve(token, meters={"calls": 9}, now=NOW) as reservation:
        reservation.commit({"calls": 1})
    assert quiet.reserve(token, meters={"calls": 9}, now=NOW)
    with quiet.check_out(token, "ada", 60, now=NOW) as seat:
        assert seat.heartbeat(now=NOW)

def seldom():
    for _ in range(10):
        # A gate that is made, and one that knows itself.
        class Own:
            def __init__(self):
                self.gate = licentia.Gate(issuer.key, on_event=self.see, cache_capacity=16)
            def see(self, event):
                pass
        assert Own().gate.check(token, request, now=NOW)
    assert disk.check(token, meters="calls", now=NOW)
    assert licentia.inspect(issuer.issue("b", "pro", issued_at=NOW, expires=NOW + 9, features={"a": 1})).subject == "b"
    sequence[0] += 1
    assert watched.load_revocation(bundle(sequence[0]))
    assert watched.check(token, request, now=NOW)

def work(calls):
    check = quiet.check
    for turn in range(calls // 100):
        for _ in range(95):
            if not check(token, request, now=NOW):
                raise SystemExit("denied: nothing but refusals would be measured")
        everything()
        if turn % 100 == 0:
            seldom()

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

work(100_000)
before = resident()
work(1_000_000)
grown = resident() - before
tracemalloc.start()
work(10_000)
gc.collect()
first = tracemalloc.get_traced_memory()[0]
work(50_000)
gc.collect()
traced = tracemalloc.get_traced_memory()[0] - first
print(grown, traced)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to measure memory")
def test_a_million_calls_are_flat() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown, traced = map(int, done.stdout.split())
    # A leak of one byte a call would be a million.
    assert grown < 500_000, f"{grown} bytes more are resident"
    assert traced < 10_000, f"{traced} bytes more are allocated"
