"""Cold and warm checks beside PyJWT (EdDSA), pyseto and biscuit-python: the same claims, one run.

Prints, for `cargo xtask bench python` to read, of each the median of its rounds and half of the
range between their quartiles, in nanoseconds. Every round times all of them one after the other,
so that what else the machine does hits all alike.
"""

from __future__ import annotations

import json
import statistics
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
    cold_gate = licentia.Gate(issuer.key, cache_capacity=0, prepare_keys=700_000)
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

    return {
        "licentia, warm": warm,
        "licentia, cold": cold,
        "PyJWT": pyjwt,
        "pyseto": paseto,
        "biscuit-python": biscuit,
    }


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


def main() -> None:
    """Times all."""
    functions = contenders()
    counts = {name: calls(function) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            times[name].append(timed(function, counts[name]))
    for name, found in times.items():
        first, median, third = (seconds * 1e9 for seconds in statistics.quantiles(found))
        print(f"{median:.1f} {(third - first) / 2:.1f} {name}")


if __name__ == "__main__":
    main()
