"""Public keys: "Issuer keys" of `docs/token-format.md`, and the holder's key of `cnf`."""

import hashlib
from dataclasses import dataclass

from reader import ed25519, limits, text
from reader.cbor import Reader
from reader.cose import ED25519
from reader.refusal import Refusal, require


@dataclass(frozen=True)
class Key:
    """An issuer's public key."""

    kid: bytes
    public: bytes


def from_text(written):
    """The key of a text form (as bytes)."""
    try:
        data = text.decode(written, b"licpub1_", "invalid_key")
        reader = Reader(data)
        key = read(reader)
        reader.end()
    except Refusal as refusal:
        raise Refusal("weak_key" if refusal.code == "weak_key" else "invalid_key") from None
    return key


def read(reader):
    """A COSE_Key with exactly the five parameters."""
    found = parameters(reader)
    require(set(found) == {1, 2, 3, -1, -2}, "missing_field")
    require(1 <= len(found[2]) <= limits.KID_BYTES, "invalid_value")
    ed25519.load(found[-2])
    return Key(found[2], found[-2])


def parameters(reader):
    """The parameters of a COSE_Key of an Ed25519 key, each with the one right value."""
    found = {}
    for label in reader.keys(reader.map()):
        require(label in (1, 2, 3, -1, -2), "invalid_value")
        if label == 2:
            found[label] = reader.bytes()
        elif label == -2:
            found[label] = reader.sized(32)
        else:
            found[label] = reader.number(-limits.INTEGER)
            require(found[label] == {1: 1, 3: ED25519, -1: 6}[label], "invalid_value")
    return found


def holder(reader):
    """The public key of a holder: `HolderKey`."""
    found = parameters(reader)
    require({1, -1, -2} <= set(found), "missing_field")
    return found[-2]


def thumbprint(public):
    """SHA-256 over the deterministic encoding of `{1: 1, -1: 6, -2: x}` (RFC 9679)."""
    return hashlib.sha256(b"\xa3\x01\x01\x20\x06\x21\x58\x20" + public).digest()
