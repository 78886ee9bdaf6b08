"""What the program issues is read by independent libraries, and it reads what they make."""

import base64
import hashlib
import json
import os
import subprocess

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reading import GRANT, TYP, decode_text, deterministic, frame, public_key, show, verify

PROGRAM = os.environ.get("LICENTIA_BIN")
NOW = "1800000000"

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="LICENTIA_BIN names no program")


def run(*arguments, code=0, stdin=None, folder=None):
    """Runs the program and gives its standard output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LICENTIA_")}
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=stdin,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("acme", "holder", "root"):
        run("keygen", "--out", folder / name)
    return folder


def key(folder, name):
    return public_key((folder / f"{name}.pub").read_text().strip())


def issue(folder, *arguments, tier="pro@3"):
    fixed = ["--key", folder / "acme.pem", "--issuer", "acme", "--subject", "cus_42", "--now", NOW]
    return run("issue", *fixed, "--tier", tier, *arguments)


FULL = [
    *["--audience", "api", "--audience", "web", "--term", "1 year", "--seats", "5"],
    *["--feature", "export", "--feature", "seats=25", "--feature", "support=gold@2030-01-01"],
    *["--quota", "calls=100000/month", "--quota", "mails=2000/day", "--rate", "api=10/1s"],
    *["--meta", "order=A-17", "--node-lock", "ab" * 32],
]


@pytest.mark.parametrize("arguments", [["--term", "30 days"], ["--expires", "never"], FULL])
def test_what_is_issued_is_a_cwt(folder, arguments):
    text = issue(folder, *arguments)
    token = decode_text(text, "lic1_")

    claims = verify(token, [key(folder, "acme")])

    protected, payload, _ = frame(token)
    header = cbor2.loads(protected)
    assert header == {1: -19, 4: key(folder, "acme").kid, 16: TYP}
    assert deterministic(header) == protected
    assert deterministic(claims) == cbor2.dumps(claims, canonical=True) == payload
    assert deterministic(cbor2.loads(token)) == token
    shown = json.loads(run("inspect", "--json", text))
    assert shown["verified"] is False
    assert show(header[4], claims) == shown["claims"]


def test_a_library_that_knows_cwt_is_right_about_the_end(folder):
    good = decode_text(issue(folder, "--expires", "never"), "lic1_")
    claims = cwt.decode(good, key(folder, "acme"))
    assert (claims[1], claims[2]) == ("acme", "cus_42")
    # It has the real clock, by which a licence of 2020 has ended.
    fixed = ["--key", folder / "acme.pem", "--issuer", "acme", "--subject", "cus_42", "--tier", "pro@3"]
    ended = run("issue", *fixed, "--now", "1600000000", "--term", "30 days")
    with pytest.raises(cwt.VerifyError, match="expired"):
        cwt.decode(decode_text(ended, "lic1_"), key(folder, "acme"))


def test_the_thumbprint_starts_with_the_kid(folder):
    cose = cbor2.loads(decode_text((folder / "acme.pub").read_text().strip(), "licpub1_"))
    digest = hashlib.sha256(deterministic({label: cose[label] for label in (1, -1, -2)})).digest()
    assert digest.startswith(cose[2])


def test_a_pipe_and_its_exit_codes(folder):
    text = issue(folder, "--term", "30 days")
    check = ["verify", "--key", folder / "acme.pub", "--now", NOW, "--json", "-"]
    assert json.loads(run(*check, stdin=text + "\n"))["name"] == "allowed"
    token = bytearray(decode_text(text, "lic1_"))
    token[100] ^= 1
    altered = "lic1_" + base64.urlsafe_b64encode(token).decode().rstrip("=")
    decision = json.loads(run(*check, stdin=altered, code=1))
    assert (decision["code"], decision["name"]) == (202, "bad_signature")
    stranger = ["verify", "--key", folder / "root.pub", "--now", NOW, "--json", text]
    assert json.loads(run(*stranger, code=1))["code"] == 200
    run("verify", "--key", folder / "missing.pub", text, code=2)


def sign(folder, name, typ, claims):
    """A COSE_Sign1 by cbor2 and cryptography."""
    # PKCS#8 has the 32 bytes of the key after a head of 16, whether the public key follows (RFC 5958) or not.
    pem = (folder / f"{name}.pem").read_text().splitlines()
    der = base64.b64decode("".join(line for line in pem if not line.startswith("-")))
    private = Ed25519PrivateKey.from_private_bytes(der[16:48])
    protected = deterministic({1: -19, 4: key(folder, name).kid, 16: typ})
    payload = deterministic(claims)
    signature = private.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return deterministic(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def test_the_program_reads_what_others_make(folder):
    claims = {
        1: "acme",
        2: "made in Python",
        4: 1_900_000_000,
        6: 1_700_000_000,
        7: bytes(16),
        GRANT: {0: 1, 1: ["pro", 3], 2: {"export": True}, 3: {"calls": [10, 5]}},
        100: ["a claim that nobody knows", None, False, {b"k": 2**64 - 1}],
    }
    text = "lic1_" + base64.urlsafe_b64encode(sign(folder, "acme", TYP, claims)).decode().rstrip("=")
    check = ["verify", "--key", folder / "acme.pub", "--now", NOW, "--feature", "export", "--json", text]
    decision = json.loads(run(*check))
    assert decision["license"]["sub"] == "made in Python"
    assert decision["license"] == show(key(folder, "acme").kid, claims)


def test_a_proof_is_read_by_others_and_by_the_program(folder):
    text = issue(folder, "--term", "30 days", "--holder", (folder / "holder.pub").read_text().strip())
    uri = "https://api.acme.example/v1/jobs"
    made = run("prove", "--key", folder / "holder.pem", "--method", "POST", "--uri", uri, "--now", NOW, text)
    holder = cbor2.loads(decode_text((folder / "holder.pub").read_text().strip(), "licpub1_"))
    proof = base64.urlsafe_b64decode(made + "=" * (-len(made) % 4))
    protected, payload, _ = frame(proof)
    # The proof names its key by the thumbprint, as the holder's file does.
    claims = verify(proof, [cwt.COSEKey.new(holder)])
    assert (claims[6], claims[-65538], claims[-65539]) == (int(NOW), "POST", uri)
    assert claims[7] == verify(decode_text(text, "lic1_"), [key(folder, "acme")])[7]
    assert deterministic(cbor2.loads(protected)) == protected
    assert deterministic(claims) == payload

    check = ["verify", "--key", folder / "acme.pub", "--now", NOW, "--method", "POST", "--uri", uri, "--json"]
    assert json.loads(run(*check, "--proof", made, text))["name"] == "allowed"
    assert json.loads(run(*check, text, code=1))["name"] == "proof_required"
    # And a proof that was made in Python.
    own = sign(folder, "holder", "application/vnd.licentia.proof+cwt", {**claims, 10: b"another nonce 16"})
    own = base64.urlsafe_b64encode(own).decode().rstrip("=")
    assert json.loads(run(*check, "--proof", own, text))["name"] == "allowed"


def test_a_keyset_is_read_by_others(folder):
    folder_arguments = {"folder": folder}
    run("keyset", "new", "keyset.toml", "--key", "acme.pub", **folder_arguments)
    signing = [
        "keyset",
        "sign",
        "keyset.toml",
        "--root",
        "root.pem",
        "--expires",
        "2099-06-30",
        "--out",
        "keyset.bin",
    ]
    run(*signing, **folder_arguments)
    keyset = (folder / "keyset.bin").read_bytes()
    claims = verify(keyset, [key(folder, "root")])
    assert cbor2.loads(frame(keyset)[0])[16] == "application/vnd.licentia.keyset+cbor"
    assert claims[0] == 1
    assert cwt.COSEKey.new(claims[4][0][0]).kid == key(folder, "acme").kid
    assert deterministic(cbor2.loads(keyset)) == keyset
    text = issue(folder, "--term", "30 days")
    run("verify", "--keyset", "keyset.bin", "--root", "root.pub", "--now", NOW, text, **folder_arguments)
