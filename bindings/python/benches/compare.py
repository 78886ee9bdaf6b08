"""Cold and warm checks beside PyJWT (EdDSA), pyseto and biscuit-python: the same claims, one run.

Prints a table, and exits with 1 where a promised ratio is not kept. Every round times all of
them one after the other, so that what else the machine does hits all alike; the ratio is the
median of the rounds' ratios.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import biscuit_auth
import jwt
import pyseto
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import licentia

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, SECONDS = 15, 0.02
NOW = int(time.time())
END = NOW + 31_536_000
COLD, WARM = 1.5, 50.0
FEATURES = {"export": True, "rows": 100_000, "support": "gold"}
CLAIMS = {
    "iss": "acme",
    "sub": "cus_42",
    "exp": END,
    "iat": NOW,
    "jti": "0123456789abcdef0123456789abcdef",
    "tier": ["pro", 3],
    "features": FEATURES,
    "quotas": {"calls": [10**12, "month"]},
    "rates": {"api": [10**6, 1000]},
}


def contenders() -> dict[str, Callable[[], object]]:
    """What is timed. Each call answers whether the request may go on."""
    issuer = licentia.Issuer("acme", licentia.SigningKey.generate())
    token = issuer.issue(
        "cus_42",
        "pro",
        version=3,
        issued_at=NOW,
        expires=END,
        features=FEATURES,
        quotas={"calls": f"{10**12}/month"},
        rates={"api": "1000000/1s"},
    )
    # A gate that keeps nothing has never seen the token that it is asked about.
    cold_gate = licentia.Gate(issuer.key, cache_capacity=0, prepare=700_000)
    gate = licentia.Gate(issuer.key)
    need = licentia.Request(features="export")
    full = licentia.Request(features="export", meters="calls", rates="api")
    assert gate.check(token, full), gate.check(token, full).explanation

    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    web_token = jwt.encode(CLAIMS, private, algorithm="EdDSA")

    def pyjwt() -> None:
        claims = jwt.decode(web_token, public, algorithms=["EdDSA"], issuer="acme")
        assert claims["features"]["export"]

    seto_public = pyseto.Key.from_asymmetric_key_params(4, x=public.public_bytes_raw())
    seto_private = pyseto.Key.from_asymmetric_key_params(4, d=private.private_bytes_raw())
    end = datetime.now(timezone.utc) + timedelta(days=365)
    # PASETO has its times as texts, and pyseto checks them.
    times = {"exp": end.isoformat(), "iat": datetime.now(timezone.utc).isoformat()}
    paseto_token = pyseto.encode(seto_private, json.dumps(CLAIMS | times).encode())

    def paseto() -> None:
        claims = pyseto.decode(seto_public, paseto_token, deserializer=json).payload
        assert claims["features"]["export"]

    pair = biscuit_auth.KeyPair()
    builder = biscuit_auth.BiscuitBuilder(
        """user({user}); tier("pro", 3); feature("export"); feature("rows"); feature("support");
        check if time($time), $time < {end};""",
        {"user": "cus_42", "end": end},
    )
    biscuit_token = builder.build(pair.private_key).to_base64()

    # A machine that is busy must not be taken for an endless evaluation.
    limits = biscuit_auth.AuthorizerBuilder().limits()
    limits.max_time = timedelta(seconds=10)

    def biscuit() -> None:
        found = biscuit_auth.Biscuit.from_base64(biscuit_token, pair.public_key)
        authorizer = biscuit_auth.AuthorizerBuilder(
            'time({now}); allow if feature("export");', {"now": datetime.now(timezone.utc)}
        )
        authorizer.set_limits(limits)
        authorizer.build(found).authorize()

    def cold() -> None:
        assert cold_gate.check(token, need)

    def warm() -> None:
        assert gate.check(token, full)

    return {"cold": cold, "warm": warm, "PyJWT": pyjwt, "pyseto": paseto, "biscuit-python": biscuit}


def calls(function: Callable[[], object]) -> int:
    """How many calls take about `SECONDS`."""
    count = 1
    while True:
        if timed(function, count) * count >= SECONDS:
            return count
        count *= 2


def timed(function: Callable[[], object], count: int) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - started) / count


def main() -> int:
    """Times all and prints the table."""
    functions = contenders()
    counts = {name: calls(function) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            times[name].append(timed(function, counts[name]))

    def ratio(name: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(times[name], times[other], strict=True))

    print(f"{'':<16} {'median':>12} {'/ cold':>9} {'/ warm':>9}")
    for name, found in times.items():
        median = statistics.median(found) * 1e6
        print(f"{name:<16} {median:>9.2f} us {ratio(name, 'cold'):>7.2f} x {ratio(name, 'warm'):>7.1f} x")
    reached = {"cold": (ratio("PyJWT", "cold"), COLD), "warm": (ratio("PyJWT", "warm"), WARM)}
    for name, (found, least) in reached.items():
        print(f"{name}: {found:.2f} x faster than PyJWT, at least {least} x: {'yes' if found >= least else 'NO'}")
    return 0 if all(found >= least for found, least in reached.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
