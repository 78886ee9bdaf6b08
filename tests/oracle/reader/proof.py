"""Proofs of possession: `docs/proof-format.md`."""

import hashlib
import hmac
from dataclasses import dataclass

from reader import cose, ed25519, key, limits, text, uri
from reader.cbor import Reader
from reader.refusal import Refusal, require

TYP = "application/vnd.licentia.proof+cwt"


@dataclass
class Presented:
    """A proof (in unpadded base64url, as bytes) and the request that it comes with."""

    proof: bytes
    method: str
    uri: str
    body: bytes | None
    max_age: int
    nonces: "Nonces | None" = None


@dataclass
class Nonces:
    """The secret of a service's nonces, and whether it refuses proofs without one."""

    secret: bytes
    required: bool

    def issue(self, now):
        """The nonce that is handed out at a time."""
        time = now.to_bytes(8, "big")
        return time + hmac.digest(self.secret, b"licentia proof nonce 1" + time, hashlib.sha256)[:16]

    def check(self, nonce, now, max_age):
        time = int.from_bytes(nonce[:8], "big")
        require(len(nonce) == 24 and nonce == self.issue(time), "proof_nonce_required")
        require(abs(now - time) <= max_age, "proof_nonce_required")


def check(presented, claims, now, seen=None):
    """Holds a proof against a licence that is bound to its holder's key."""
    require(presented is not None, "proof_required")
    confirmation = claims["cnf"]
    signed, proof = _read(presented.proof, confirmation)
    public = confirmation.get("key", proof.get("holder"))
    if "thumbprint" in confirmation:
        require(key.thumbprint(public) == confirmation["thumbprint"], "proof_bad_signature")
    require(_verifies(public, signed), "proof_bad_signature")
    require(proof["cti"] == claims["cti"], "proof_wrong_license")
    require(proof["method"] == presented.method, "proof_wrong_method")
    require(uri.same(proof["uri"], presented.uri), "proof_wrong_uri")
    require(proof.get("body") == presented.body, "proof_wrong_body")
    nonces, nonce = presented.nonces, proof.get("service_nonce")
    if nonces is not None and nonce is not None:
        nonces.check(nonce, now, presented.max_age)
    else:
        require(nonces is None or not nonces.required, "proof_nonce_required")
        require(now <= proof["iat"] + presented.max_age, "proof_stale")
        require(proof["iat"] <= now + presented.max_age, "proof_in_future")
    if seen is not None:
        require(proof["nonce"] not in seen, "proof_replayed")
        seen.add(proof["nonce"])


def _verifies(public, signed):
    try:
        return signed.alg == cose.ED25519 and ed25519.verifies(public, signed.signature, signed.signed)
    except Refusal:
        return False


def _read(written, confirmation):
    try:
        signed = cose.read(text.decode(written, b""), TYP)
        proof = _payload(signed.payload)
        require("key" in confirmation or "holder" in proof, "missing_field")
    except Refusal:
        raise Refusal("proof_malformed") from None
    return signed, proof


def _payload(payload):
    reader = Reader(payload)
    found = {}
    for label in reader.keys(reader.map()):
        if label == 6:
            found["iat"] = reader.time()
        elif label == 7:
            found["cti"] = reader.sized(16)
        elif label == 8:
            found["holder"] = _holder(reader)
        elif label == 10:
            found["nonce"] = reader.sized(16)
        elif label == -65538:
            found["method"] = reader.text()
        elif label == -65539:
            found["uri"] = reader.any_text()
            require(len(found["uri"].encode()) <= limits.URI_BYTES, "invalid_value")
        elif label == -65540:
            found["body"] = reader.sized(32)
        elif label == -65541:
            found["service_nonce"] = reader.bytes()
        else:
            reader.skip()
    require({"iat", "cti", "nonce", "method", "uri"} <= set(found), "missing_field")
    reader.end()
    return found


def _holder(reader):
    count = reader.map()
    require(count == 1, "invalid_value")
    for method in reader.keys(count):
        require(method == 1, "invalid_value")
        return key.holder(reader)
