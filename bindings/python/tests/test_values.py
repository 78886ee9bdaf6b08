"""What Python expects of values: help, comparing, copying, pickling."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from shared import NOW

import licentia

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT, REVOKER = (licentia.SigningKey.from_seed(bytes([seed]) * 32) for seed in (7, 8))
PROOF = licentia.Proof(b"proof", method="GET", uri="https://api.acme.example/", body_digest=bytes(32))
MADE: list[Callable[[], Any]] = [
    lambda: licentia.Code(610),
    lambda: ROOT.public,
    lambda: licentia.Now(NOW, 5),
    lambda: licentia.Proof(b"proof", method="GET", uri="https://api.acme.example/", body_digest=bytes(32)),
    lambda: licentia.Request(
        features=["a", "b"],
        meters={"calls": 2},
        rates={"api": 1},
        job="j",
        action="GET /",
        source="::1",
        audience="api",
        node=bytes(32),
        release=NOW,
        proof=PROOF,
    ),
    lambda: licentia.Request(),
]
OTHERS: list[Any] = [
    licentia.Code(611),
    REVOKER.public,
    licentia.Now(NOW, 6),
    licentia.Proof(b"proof", method="GET", uri="https://api.acme.example/"),
    licentia.Request(features=["a", "b"], meters={"calls": 3}),
    licentia.Request(features="x"),
]
SIGNED_KEYSET = licentia.Keyset.sign(
    ROOT, [REVOKER.public], sequence=1, issued_at=NOW - 10, expires=NOW + 10**6
)


@pytest.mark.parametrize("made", MADE)
def test_values_compare_copy_and_pickle(made: Callable[[], Any]) -> None:
    one, same, other = made(), made(), OTHERS[MADE.index(made)]
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "another type"
    for again in (copy.copy(one), copy.deepcopy(one), *(pickle.loads(pickle.dumps(one, p)) for p in (2, 4, 5))):
        assert again == one
        assert type(again) is type(one)
        assert repr(again) == repr(one)


def test_a_pickled_request_needs_the_same(gate: licentia.Gate, token: str) -> None:
    request = licentia.Request(features="export", meters={"calls": 0})
    again = pickle.loads(pickle.dumps(request))
    assert gate.check(token, again, now=NOW).to_dict()["charges"] == gate.check(token, request, now=NOW).to_dict()["charges"]


def test_signed_documents_compare_by_their_bytes() -> None:
    again = licentia.Keyset(bytes(SIGNED_KEYSET), ROOT.public)
    assert again == SIGNED_KEYSET
    assert hash(again) == hash(SIGNED_KEYSET)
    assert copy.deepcopy(again) is again
    with pytest.raises(TypeError, match="bytes"):
        pickle.dumps(again)


def test_decisions_are_copied_and_not_pickled(gate: licentia.Gate, token: str) -> None:
    decision = gate.check(token, meters="calls", now=NOW)
    assert copy.copy(decision) is decision
    assert copy.deepcopy(decision) is decision
    license, again = decision.license, gate.check(token, now=NOW).license
    assert license is not None
    assert license == again
    assert hash(license) == hash(again)
    assert license != licentia.inspect(token)
    assert copy.deepcopy(license) is license
    for value in (decision, license, licentia.inspect(token), *decision.charges):
        with pytest.raises(TypeError, match="to_json"):
            pickle.dumps(value)


def test_charges_compare(gate: licentia.Gate, token: str) -> None:
    first, second = (gate.check(token, meters={"calls": 0}, now=licentia.Now(NOW, 0)).charges for _ in range(2))
    assert first == second
    assert first != gate.check(token, meters={"calls": 1}, now=licentia.Now(NOW, 0)).charges


def test_parts_of_a_license_are_those_of_its_json(gate: licentia.Gate, token: str) -> None:
    license = gate.check(token, now=NOW).license
    assert license is not None
    whole = license.to_dict()
    for name in ("features", "quotas", "rates", "meta"):
        assert getattr(license, name) == whole[name]
    assert whole["features"]
    assert whole["quotas"]


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(licentia.InvalidArgumentError, match="no code 7;"):
        licentia.Code(7)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (licentia.Gate, ["keys:", "prepare_keys:", "on_event:", "Raises:"]),
        (licentia.Request, ["features:", "meters:", "job:"]),
        (licentia.Proof, ["method:", "body_digest:"]),
        (licentia.Key, ["licpub1_"]),
        (licentia.Store, ["memory:", "StoreError"]),
        (licentia.Receipts, ["path:", "key:"]),
        (licentia.Now, ["monotonic_ns:"]),
        (licentia.Keyset, ["root key"]),
        (licentia.Catalogue, ["TOML"]),
        (licentia.Issuer, ["``iss``"]),
    ],
)
def test_help_shows_how_to_make_one(kind: type, words: list[str]) -> None:
    for word in words:
        assert word in (kind.__doc__ or ""), word


HANGING = """
import sys, threading, licentia
url, key, token = sys.argv[1:]
asked, never = threading.Event(), threading.Event()
def source():
    if threading.current_thread() is not threading.main_thread():
        asked.set()
        never.wait()
gate = licentia.Gate(key, store=url)
watch = licentia.Watch(gate, source, interval=0.01)
assert gate.check(token, meters="calls")
assert asked.wait(10)
"""


@pytest.mark.thread_unsafe(reason="starts programs")
def test_a_source_that_hangs_delays_neither_the_end_nor_the_return_of_units(
    issuer: licentia.Issuer, tmp_path: Path
) -> None:
    now = int(time.time())
    token = issuer.issue("cus_42", "pro", version=3, expires=now + 10**6, quotas={"calls": "1000/lifetime"})
    url = f"sqlite:{tmp_path / 'usage.db'}"
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", HANGING, url, str(issuer.key), token], check=True, timeout=30)
    assert time.monotonic() - begun < 5
    charge = licentia.Gate(issuer.key, store=url).check(token, meters={"calls": 0}).charge("calls")
    assert charge is not None
    assert charge.remaining == 999
