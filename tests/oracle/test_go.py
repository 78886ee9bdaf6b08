"""go-cose verifies what is signed, once it is told of algorithm -19."""

import json
import os
import pathlib
import subprocess

import pytest

from reader import cose, key
from reader.text import decode

PROGRAM = os.environ.get("LICENTIA_GO_COSE")
VECTORS = pathlib.Path(__file__).parent.parent / "vectors"

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="LICENTIA_GO_COSE names no program")


def answers(pairs):
    """What go-cose says to each pair of a public key and an object."""
    lines = "".join(f"{public.hex()} {signed.hex()}\n" for public, signed in pairs)
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    assert len(found) == len(pairs)
    return found


def licences():
    """The tests of tokens that are signed by the only key of their group."""
    for group in json.loads((VECTORS / "license.json").read_text())["testGroups"]:
        if len(group["keys"]) == 1 and group["keys"][0]:
            public = key.from_text(group["keys"][0].encode()).public
            yield from ((public, test) for test in group["tests"] if "token" in test)


def test_good_licences():
    good = [(public, test) for public, test in licences() if test["result"] == "valid"]
    tokens = [decode(test["token"].encode(), b"lic1_") for _, test in good]
    found = answers([(public, token) for (public, _), token in zip(good, tokens)])
    payloads = [cose.read(token, "application/vnd.licentia.license+cwt").payload.hex() for token in tokens]
    assert len(good) > 500
    for (_, test), answer, payload in zip(good, found, payloads):
        # In a header it takes no labels but those of RFC 9052, and none of those with another type.
        is_odd = test["flags"] == ["Ignored"] and test["comment"].startswith("header: ")
        assert answer == payload or (is_odd and "invalid protected header" in answer), test["comment"]


def test_altered_licences():
    altered = [
        (public, decode(test["token"].encode(), b"lic1_"))
        for public, test in licences()
        if test["code"] == "bad_signature" and test["flags"] == ["BitFlip"]
    ]
    found = answers(altered)
    assert len(found) > 500
    assert all(answer.startswith("refused") for answer in found)


def test_good_keysets():
    """The first step of each gate's test loads one that the root key has signed."""
    pairs = {}
    for group in json.loads((VECTORS / "gate.json").read_text())["testGroups"]:
        for test in group["tests"]:
            if test["root"]:
                pairs[test["steps"][0]["keyset"]] = key.from_text(test["root"].encode()).public
    found = answers([(public, bytes.fromhex(keyset)) for keyset, public in pairs.items()])
    assert len(found) > 10
    assert not any(answer.startswith("refused") for answer in found)
