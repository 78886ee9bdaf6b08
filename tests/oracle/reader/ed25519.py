"""Signatures: the six rules of "Signatures" of `docs/token-format.md`.

The group's arithmetic that decides nothing else is that of `cryptography`, which does steps 2 to 5 as the page
says; what it does not look at (points of small order) is done here.
"""

from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from reader.refusal import require

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def decompress(encoded):
    """The point that 32 bytes stand for, y taken modulo the prime; None where there is none."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, (number & ((1 << 255) - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * ROOT % P
    if v * x * x % P != u:
        return None
    return (-x % P if x & 1 != sign else x), y


def double(point):
    x, y = point
    t = D * x * x * y * y % P
    return 2 * x * y * pow(1 + t, P - 2, P) % P, (y * y + x * x) * pow(1 - t, P - 2, P) % P


def has_small_order(point):
    """Whether eight times the point is the neutral element."""
    return double(double(double(point))) == (0, 1)


@cache
def is_small(encoded):
    point = decompress(encoded)
    return point is not None and has_small_order(point)


@cache
def load(encoded):
    """A public key, checked."""
    point = decompress(encoded)
    require(point is not None, "invalid_key")
    require(not has_small_order(point), "weak_key")
    return Ed25519PublicKey.from_public_bytes(encoded)


def verifies(encoded, signature, message):
    """Whether the signature is this key's."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    # An R that is equal to the encoding of R' is small where R' is.
    if s >= L or is_small(r):
        return False
    try:
        load(encoded).verify(signature, message)
    except InvalidSignature:
        return False
    return True
