"""Independent libraries verify every good token of the vectors and read the same claims."""

import hashlib
import json
import pathlib

import cbor2
import cwt
import pytest

from reading import TYP, decode_text, deterministic, frame, public_key, show, verify

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
FILE = json.loads((VECTORS / "license.json").read_text())
GOOD = [
    pytest.param(group, test, id=str(test["tcId"]))
    for group in FILE["testGroups"]
    for test in group["tests"]
    if test["result"] == "valid"
]


def test_there_are_vectors():
    total = sum(len(group["tests"]) for group in FILE["testGroups"])
    assert total == FILE["numberOfTests"]
    assert len(GOOD) > 500


@pytest.mark.parametrize(("group", "test"), GOOD)
def test_good_token(group, test):
    token = decode_text(test["token"], "lic1_")
    keys = [public_key(key) for key in group["keys"]]

    claims = verify(token, keys)

    protected, payload, signature = frame(token)
    header = cbor2.loads(protected)
    assert claims == cbor2.loads(payload)
    assert (header[1], header[16], len(signature)) == (-19, TYP, 64)
    assert show(header[4], claims) == test["claims"]
    # What was signed is the one encoding of what was read.
    assert deterministic(header) == protected
    assert deterministic(claims) == payload
    assert deterministic(cbor2.loads(token)) == token
    # RFC 7049 puts short keys first; where only known keys are used, that is the same.
    if test["flags"][0] in ("Claims", "Grant", "Confirmation", "Time", "Feature"):
        assert cbor2.dumps(claims, canonical=True) == payload


@pytest.mark.parametrize(
    ("group", "test"), [case for case in GOOD if case.values[1]["flags"] == ["Confirmation"]]
)
def test_confirmation(group, test):
    confirmation = verify(decode_text(test["token"], "lic1_"), [public_key(key) for key in group["keys"]])[8]
    proof = decode_text("proof_" + test["proof"]["proof"], "proof_")
    protected, payload, _ = frame(proof)
    assert cbor2.loads(protected)[16] == "application/vnd.licentia.proof+cwt"
    claims = cbor2.loads(payload)
    if 5 in confirmation:
        # RFC 9679: the hash of the required parameters in their one encoding.
        key = {label: claims[8][1][label] for label in (1, -1, -2)}
        assert hashlib.sha256(deterministic(key)).digest() == confirmation[5]
    else:
        key = confirmation[1]
    verified = verify(proof, [holder_key(key)])
    assert verified[-65538] == test["proof"]["method"]
    assert verified[-65539] == test["proof"]["uri"]


def holder_key(cose_key):
    """The holder's key, with what cwt needs to find it."""
    return cwt.COSEKey.new({1: 1, 2: b"hold", 3: -19, -1: cose_key[-1], -2: cose_key[-2]})


def test_altered_tokens_are_refused():
    """Libraries differ in edge cases of Ed25519, and not about what was altered."""
    refused = 0
    for group in FILE["testGroups"]:
        keys = [public_key(key) for key in group["keys"]]
        for test in group["tests"]:
            if test["code"] == "bad_signature" and test["flags"] == ["BitFlip"]:
                with pytest.raises(cwt.VerifyError):
                    verify(decode_text(test["token"], "lic1_"), keys)
                refused += 1
    assert refused > 500
