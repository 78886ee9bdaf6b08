"""The independent reader gives every verdict of the vectors."""

import base64
import json
import pathlib
import re

import pytest

from reader import period, proof
from verdicts import verdict

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
CODES = {code["name"] for code in json.loads((VECTORS / "codes.json").read_text())["codes"]}


def load(name):
    """The tests of a file, each with its group."""
    file = json.loads((VECTORS / f"{name}.json").read_text())
    tests = [(group, test) for group in file["testGroups"] for test in group["tests"]]
    assert len(tests) == file["numberOfTests"] > 0
    return tests


def differences(name, both):
    """Runs all tests of a file and gives those whose verdict is another one."""
    wrong = []
    for group, test in load(name):
        expected, actual = both(group, test)
        if expected != actual:
            wrong.append((test["tcId"], group["comment"], test["comment"], expected, actual))
    return wrong


def text(_, test):
    return [test["code"], test.get("hex")], verdict({"case": "text", "text": test["text"]})


def key(_, test):
    shown = [test["kid"], test["publicKey"]] if test["code"] == "allowed" else None
    return [test["code"], shown], verdict({"case": "key", "text": test["key"]})


def license_(group, test):
    """A token, in its text form or as bytes. A code of none is any of the groups 1xx and 2xx."""
    token = test.get("tokenHex")
    if token is None:
        code, token = verdict({"case": "text", "text": test["token"]})
        if token is None:
            return test["code"], code
    case = {"case": "license", "token": token, "keys": group["keys"], "expect": group["expect"]}
    found = verdict({**case, "proof": test.get("proof"), "now": test["now"]})
    if test["code"] is None:
        return True, found[0] in CODES and found[0] != "allowed"
    return [test["code"], test.get("state"), test.get("claims")], found


def period_(group, test):
    names = ["lifetime", "minute", "hour", "day", "week", "month", "year"]
    written = group["period"]
    if isinstance(written, str):
        unit = names.index(written)
    elif "seconds" in written:
        unit = written["seconds"], written["anchor"]
    else:
        ((name, anchor),) = written.items()
        unit = {"month_from": -5, "year_from": -6}[name], anchor
    return (test["start"], test["end"]), period.window(unit, test["time"])


def gate(_, test):
    """The steps of a gate; a restart has no outcome."""
    steps = [step for step in test["steps"] if step["do"] != "restart"]
    expected = [[step["code"], step.get("state"), step.get("warning")] for step in steps]
    return expected, verdict({"case": "gate", **test})


def nonce(group, test):
    """A proof with a nonce of the service's, and the nonce that the service hands out at that time."""
    nonces = {"secret": group["secret"], "required": group["required"]}
    _, token = verdict({"case": "text", "text": group["token"]})
    expect = dict.fromkeys(["issuer", "audience", "node", "release"], None) | {"skew": 60, "features": []}
    case = {"case": "license", "token": token, "keys": group["keys"], "expect": expect, "now": test["now"]}
    found = verdict({**case, "proof": {**test["proof"], "nonces": nonces}})
    handed_out = proof.Nonces(bytes.fromhex(group["secret"]), group["required"]).issue(test["now"])
    shown = base64.urlsafe_b64encode(handed_out).rstrip(b"=").decode()
    return [test["code"], test["nonce"]], [found[0], shown]


FILES = {"text": text, "key": key, "license": license_, "period": period_, "gate": gate, "nonce": nonce}


@pytest.mark.parametrize("name", FILES)
def test_vectors(name):
    assert differences(name, FILES[name]) == []


def test_every_file_is_run():
    # How stores count is no format: each of them runs those by itself.
    assert {path.stem for path in VECTORS.glob("*.json")} == {*FILES, "codes", "store"}


def test_every_code_of_the_reader_is_one_of_the_table():
    folder = pathlib.Path(__file__).parent / "reader"
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    codes = set(re.findall(r'(?:require\(.*, |Refusal\()"([a-z_0-9]+)"\)', source))
    assert len(codes) > 40
    assert codes <= CODES
