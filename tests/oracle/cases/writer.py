"""Writes CBOR, in its one encoding or in any other, and signs it: for cases that are good and for hostile ones.

A value is an int, bytes, str, bool, None, list, `Map` or `Raw`.
"""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LICENSE = "application/vnd.licentia.license+cwt"
SIMPLE = {False: 0xF4, True: 0xF5, None: 0xF6}


@dataclass
class Raw:
    """Bytes that stand for themselves."""

    data: bytes


@dataclass
class Map:
    """Entries; they are written in the order of their keys, unless they are to stay as they are."""

    entries: list
    as_is: bool = False

    @classmethod
    def of(cls, *pairs):
        return cls([list(pair) for pair in pairs])


def head(major, argument):
    major <<= 5
    if argument < 24:
        return bytes([major | argument])
    for info, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * length):
            return bytes([major | info]) + argument.to_bytes(length, "big")
    raise ValueError(argument)


def encode(value):
    """The bytes of a value."""
    if isinstance(value, Raw):
        return value.data
    if value is None or isinstance(value, bool):
        return bytes([SIMPLE[value]])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        written = value.encode()
        return head(3, len(written)) + written
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    entries = [(encode(key), encode(item)) for key, item in value.entries]
    if not value.as_is:
        entries.sort()
    return head(5, len(entries)) + b"".join(key + item for key, item in entries)


class Signer:
    """A key pair from a seed, which is good for tests and nothing else."""

    def __init__(self, kid, seed):
        self.kid = kid
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def cose_key(self):
        return Map.of((1, 1), (2, self.kid), (3, -19), (-1, 6), (-2, self.public))

    def text(self):
        return "licpub1_" + base64url(encode(self.cose_key()))

    def header(self, typ=LICENSE):
        return Map.of((1, -19), (4, self.kid), (16, typ))

    def sign(self, header, payload):
        """A signed object; header and payload are bytes."""
        header, payload = encode(header), encode(payload)
        signature = self.private.sign(b"\x84\x6aSignature1" + header + b"\x40" + payload)
        return b"\xd2\x84" + header + b"\xa0" + payload + encode(signature)


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
