"""What was altered raises or is denied, and never crashes the interpreter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from shared import NOW, vectors

import licentia

ISSUER = licentia.Issuer("acme", licentia.SigningKey.from_seed(bytes(32)))
TOKEN = ISSUER.issue(
    "cus_42",
    "pro",
    issued_at=NOW,
    expires=NOW + 1000,
    features={"export": True},
    quotas={"calls": "10/month"},
    rates={"api": "10/1s"},
)
DATA = licentia.decode_token(TOKEN)
GATE = licentia.Gate(ISSUER.key)
LOADS = [
    (bytes.fromhex(step["keyset"]), test["root"])
    for group in vectors("gate")["testGroups"]
    for test in group["tests"]
    for step in test["steps"]
    if step["do"] == "load" and step["code"] == "allowed" and test["root"]
]
BUNDLES = [
    bytes.fromhex(step["bundle"])
    for group in vectors("gate")["testGroups"]
    for test in group["tests"]
    for step in test["steps"]
    if step["do"] == "publish"
]
CASES = settings(max_examples=200, deadline=None)


@st.composite
def altered(draw: st.DrawFn, data: bytes) -> bytes:
    """Some bytes with a few changes, insertions, removals and swaps."""
    made = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(made) - 1, 0)))
        match draw(st.integers(0, 3)):
            case 0 if made:
                made[at] ^= draw(st.integers(1, 255))
            case 1:
                made[at:at] = draw(st.binary(max_size=8))
            case 2:
                del made[at : at + draw(st.integers(1, 8))]
            case _:
                made[at:] = draw(st.binary(max_size=len(made) - at))
    return bytes(made)


def is_denied(token: bytes | str) -> None:
    decision = GATE.check(token, now=NOW, features="export")
    assert not decision
    assert 100 <= decision.code < 300
    assert decision.explanation
    assert decision.to_dict()["code"] == decision.code


def looks(token: bytes | str) -> None:
    try:
        assert licentia.inspect(token).to_dict()
    except licentia.RejectedError as error:
        assert 100 <= error.code < 200


@CASES
@given(altered(DATA))
def test_altered_bytes(data: bytes) -> None:
    if data != DATA:
        is_denied(data)
    looks(data)


@CASES
@given(altered(TOKEN.encode()))
def test_altered_text(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    if text != TOKEN:
        is_denied(text)
    looks(text)


@CASES
@given(st.one_of(st.binary(max_size=5000), st.text(max_size=5000)))
def test_anything(token: bytes | str) -> None:
    is_denied(token)
    looks(token)


@CASES
@given(st.data())
def test_altered_keysets(data: st.DataObject) -> None:
    keyset, root = data.draw(st.sampled_from(LOADS))
    changed = data.draw(altered(keyset))
    if changed == keyset:
        return
    gate = licentia.Gate(root=root, keyset=keyset)
    for load in (lambda: licentia.Keyset(changed, root), lambda: gate.load_keyset(changed)):
        try:
            load()
        except licentia.LicentiaError as error:
            assert error.code
        else:
            raise AssertionError("an altered keyset was taken")


@CASES
@given(st.data())
def test_altered_bundles(data: st.DataObject) -> None:
    keyset, root = data.draw(st.sampled_from(LOADS))
    bundle = data.draw(st.sampled_from(BUNDLES))
    changed = data.draw(altered(bundle))
    if changed in BUNDLES:
        return
    gate, read = licentia.Gate(root=root, keyset=keyset), licentia.Keyset(keyset, root)
    for load in (lambda: licentia.RevocationBundle(changed, read), lambda: gate.load_revocation(changed)):
        try:
            load()
        except licentia.LicentiaError as error:
            assert error.code
        else:
            raise AssertionError("an altered bundle was taken")


@CASES
@given(st.text(max_size=200), st.binary(max_size=64), st.binary(max_size=64))
def test_keys(text: str, kid: bytes, public: bytes) -> None:
    for make in (lambda: licentia.Key(text), lambda: licentia.Key.ed25519(kid, public)):
        try:
            assert licentia.Key(str(make())) == make()
        except (licentia.LicentiaError, UnicodeEncodeError):
            pass


@CASES
@given(
    st.dictionaries(st.text(max_size=70), st.integers(0, 2**64 - 1), max_size=10),
    st.lists(st.text(max_size=70), max_size=80),
    st.text(max_size=300),
)
def test_any_request(costs: dict[str, int], features: list[str], text: str) -> None:
    def ask() -> None:
        request = licentia.Request(features=features, meters=costs, rates=costs, action=text, source=text, audience=text)
        decision = GATE.check(TOKEN, request, now=NOW)
        assert bool(decision) == (decision.code == 0)
        assert decision.to_dict()
        assert decision.http_headers is not None

    try:
        ask()
    except UnicodeEncodeError:
        pass
