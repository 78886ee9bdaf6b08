"""Every case of the shared vectors gets the answer that is written there."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from shared import vectors

import licentia
from licentia import _licentia


def cases(name: str) -> list[Any]:
    """Parameters of (group, test), with the case's number as id."""
    file = vectors(name)
    found = [
        pytest.param(group, test, id=f"{test['tcId']}")
        for group in file["testGroups"]
        for test in group["tests"]
    ]
    assert len(found) == file["numberOfTests"] > 0
    return found


def base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# To verify without any key is a mistake of the caller's; a stranger's key is as good as none.
STRANGER = licentia.SigningKey.from_seed(b"stranger".ljust(32)).public


@pytest.mark.parametrize(("group", "test"), cases("license"))
def test_license(group: dict[str, Any], test: dict[str, Any]) -> None:
    expect, proof, max_age = group["expect"], None, 60
    if test.get("proof"):
        given = test["proof"]
        body = given.get("body")
        proof = licentia.Proof(
            base64url(given["proof"]),
            method=given["method"],
            uri=given["uri"],
            body_digest=bytes.fromhex(body) if body else None,
        )
        max_age = given["maxAge"]
    if test.get("token") is not None:
        ways = [test["token"]]
    else:
        ways = [bytes.fromhex(test["tokenHex"]), licentia.encode_token(bytes.fromhex(test["tokenHex"]))]
    for token in ways:
        decision = licentia.verify(
            token,
            group["keys"] or [STRANGER],
            issuer=expect["issuer"],
            skew=expect["skew"],
            proof_age=max_age,
            now=test["now"],
            audience=expect["audience"],
            features=expect["features"],
            node=bytes.fromhex(expect["node"]) if expect["node"] else None,
            release=expect["release"],
            proof=proof,
        )
        if test["result"] == "valid":
            assert decision, decision.explanation
            assert (decision.code, decision.name, decision.state) == (0, "allowed", test["state"])
            assert decision.license is not None
            # Through text, so that the order of members counts as well.
            assert json.dumps(decision.license.to_dict()) == json.dumps(test["claims"])
            assert licentia.inspect(token).to_json() == decision.license.to_json()
        else:
            assert not decision
            assert decision.state is None
            if test["code"] is None:
                assert 100 <= decision.code < 300
            elif token != "":  # The gate tells no token from a bad one; the reader of texts does not.
                assert (decision.code, decision.name) == (test["number"], test["code"])
            assert [check["result"] for check in decision.checks][-1] == decision.name
            assert sum(line.startswith("FAIL") for line in decision.explanation.splitlines()) == 1
        shown = (decision.explanation + decision.to_json()).lower()
        assert "lic1_" not in shown and "licpub1_" not in shown
        text = token if isinstance(token, str) else licentia.encode_token(token)
        assert len(text) < 45 or text[5:45].lower() not in shown


@pytest.mark.parametrize(("group", "test"), cases("text"))
def test_text(group: dict[str, Any], test: dict[str, Any]) -> None:
    if test["result"] == "valid":
        assert licentia.decode_token(test["text"]) == bytes.fromhex(test["hex"])
        assert licentia.encode_token(bytes.fromhex(test["hex"])) == test["text"]
    else:
        with pytest.raises(licentia.RejectedError) as caught:
            licentia.decode_token(test["text"])
        assert (caught.value.name, caught.value.code) == (test["code"], test["number"])


@pytest.mark.parametrize(("group", "test"), cases("key"))
def test_key(group: dict[str, Any], test: dict[str, Any]) -> None:
    if test["result"] == "valid":
        key = licentia.Key(test["key"])
        assert (key.kid.hex(), key.public_bytes.hex()) == (test["kid"], test["publicKey"])
        assert str(key) == test["key"]
        assert licentia.Key.ed25519(key.kid, key.public_bytes) == key
    else:
        with pytest.raises(licentia.LicentiaError) as caught:
            licentia.Key(test["key"])
        assert (caught.value.name, caught.value.code) == (test["code"], test["number"])


@pytest.mark.parametrize(("group", "test"), cases("nonce"))
def test_nonce(group: dict[str, Any], test: dict[str, Any]) -> None:
    given = test["proof"]
    proof = licentia.Proof(base64url(given["proof"]), method=given["method"], uri=given["uri"])
    secret, required = bytes.fromhex(group["secret"]), group["required"]
    gate = licentia.Gate(group["keys"], proof_age=given["maxAge"], nonce_secret=secret, require_proof_nonce=required)
    decision = gate.check(group["token"], licentia.Request(proof=proof), now=test["now"])
    assert decision.name == test["code"]
    if decision.name in {"proof_stale", "proof_in_future", "proof_nonce_required"}:
        assert dict(decision.http_headers)["licentia-proof-nonce"] == test["nonce"]
    else:
        assert "licentia-proof-nonce" not in dict(decision.http_headers)


@pytest.mark.parametrize(("group", "test"), cases("period"))
def test_period(group: dict[str, Any], test: dict[str, Any]) -> None:
    assert _licentia.period_window(group["period"], test["time"]) == (test["start"], test["end"])


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in vectors("codes")["codes"]])
def test_codes(row: dict[str, Any]) -> None:
    [code] = [code for code in licentia.codes() if code.number == row["number"]]
    assert (code.name, code.message, code.advice) == (row["name"], row["message"], row["advice"])


def test_there_are_no_other_codes() -> None:
    file = vectors("codes")
    assert len(licentia.codes()) == file["numberOfCodes"] == len(file["codes"])
    assert [code.number for code in licentia.codes()] == [row["number"] for row in file["codes"]]


@pytest.mark.parametrize(("group", "test"), cases("gate"))
def test_gate(group: dict[str, Any], test: dict[str, Any]) -> None:
    store, loaded, gate = licentia.Store("memory:"), b"", None

    def build(keyset: bytes) -> licentia.Gate:
        if test["root"] is None:
            return licentia.Gate(test["keys"], store=store)
        return licentia.Gate(test["keys"], root=test["root"], keyset=keyset, store=store)

    if test["root"] is None:
        gate = build(b"")
    for step in test["steps"]:
        if step["do"] == "load":
            keyset, name = bytes.fromhex(step["keyset"]), "allowed"
            try:
                if gate is None:
                    gate = build(keyset)
                else:
                    gate.load_keyset(keyset)
                loaded = keyset
            except licentia.LicentiaError as error:
                name = error.name
            assert name == step["code"]
        elif step["do"] == "publish":
            assert gate is not None
            name = "allowed"
            try:
                gate.load_revocation(bytes.fromhex(step["bundle"]))
            except licentia.LicentiaError as error:
                name = error.name
            assert name == step["code"]
        elif step["do"] == "restart":
            gate = build(loaded)
        else:
            assert gate is not None
            assert step["do"] == "check"
            decision = gate.check(
                step["token"],
                now=licentia.Now(step["now"], step["monotonicMs"] * 1_000_000),
                rates=dict(step["rates"]),
                meters=dict(step["meters"]),
            )
            assert decision.name == step["code"]
            assert decision.state == step["state"]
            assert decision.warning == step["warning"]
