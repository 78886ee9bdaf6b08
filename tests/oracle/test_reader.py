"""The independent reader gives every verdict of the vectors."""

import json
import pathlib

import pytest

from reader import claims, key, license, proof, text
from reader.refusal import Refusal

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"


def load(name):
    """The tests of a file, each with its group."""
    file = json.loads((VECTORS / f"{name}.json").read_text())
    tests = [(group, test) for group in file["testGroups"] for test in group["tests"]]
    assert len(tests) == file["numberOfTests"]
    return tests


def differences(tests, verdict):
    """Runs all tests and gives those whose verdict is another one."""
    wrong = []
    for group, test in tests:
        expected, actual = verdict(group, test)
        if expected != actual:
            wrong.append((test["tcId"], group["comment"], test["comment"], expected, actual))
    return wrong


def outcome(function, *arguments):
    """The code of a refusal, or `allowed`, and what was read."""
    try:
        return "allowed", function(*arguments)
    except Refusal as refusal:
        return refusal.code, None


def test_texts():
    def verdict(_, test):
        code, data = outcome(license.from_text, test["text"].encode())
        return (test["code"], test.get("hex")), (code, None if data is None else data.hex())

    assert differences(load("text"), verdict) == []


def test_keys():
    def verdict(_, test):
        code, found = outcome(key.from_text, test["key"].encode())
        shown = (found.kid.hex(), found.public.hex()) if found else (None, None)
        return (test["code"], test.get("kid"), test.get("publicKey")), (code, *shown)

    assert differences(load("key"), verdict) == []


def request(expect, test):
    presented = test.get("proof")
    if presented:
        body = presented["body"] and bytes.fromhex(presented["body"])
        presented = proof.Presented(
            presented["proof"].encode(), presented["method"], presented["uri"], body, presented["maxAge"]
        )
    return license.Request(
        expect["issuer"],
        expect["audience"],
        expect["skew"],
        expect["features"],
        expect["node"] and bytes.fromhex(expect["node"]),
        expect["release"],
        presented,
    )


def decide(keys, asked, test):
    token = bytes.fromhex(test["tokenHex"]) if "tokenHex" in test else None
    token = license.from_text(test["token"].encode()) if token is None else token
    found_key, found = license.verify(token, keys)
    state = license.authorize(found, asked, test["now"])
    return state, claims.show(found_key.kid, found)


def test_licences():
    def verdict(group, test):
        keys = [key.from_text(written.encode()) for written in group["keys"]]
        code, found = outcome(decide, keys, request(group["expect"], test), test)
        state, shown = found or (None, None)
        if test["code"] is None and code != "allowed":
            return None, None
        expected = test["code"], test.get("state"), test.get("claims", shown)
        return expected, (code, state, shown)

    assert differences(load("license"), verdict) == []


@pytest.mark.skip
def test_all_files_are_run():
    pass
