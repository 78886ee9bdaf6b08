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


def add(one, other):
    (x1, y1), (x2, y2) = one, other
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(number, point):
    """A point, added to itself so often."""
    sum_of = NEUTRAL
    for bit in format(number, "b"):
        sum_of = add(sum_of, sum_of)
        if bit == "1":
            sum_of = add(sum_of, point)
    return sum_of


def has_small_order(point):
    """Whether eight times the point is the neutral element."""
    return times(8, point) == NEUTRAL


def encoding(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def small_points():
    """The eight points of small order: the multiples of one of order eight."""
    points = (decompress(y.to_bytes(32, "little")) for y in range(2, 100))
    torsion = (times(L, point) for point in points if point is not None)
    generator = next(point for point in torsion if times(4, point) != NEUTRAL)
    return {times(number, generator) for number in range(8)}


NEUTRAL = (0, 1)
# The one encoding of each, which an R that is compared with that of R' has.
SMALL = {encoding(point) for point in small_points()}


@cache
def load(encoded):
    """A public key, checked."""
    point = decompress(encoded)
    require(point is not None, "invalid_key")
    require(not has_small_order(point), "weak_key")
    return Ed25519PublicKey.from_public_bytes(encoded)


def verifies(encoded, signature, message):
    """Whether the signature is this key's."""
    # An R that passes is the encoding of R', so that R' is of small order where R is.
    if int.from_bytes(signature[32:], "little") >= L or signature[:32] in SMALL:
        return False
    try:
        load(encoded).verify(signature, message)
    except InvalidSignature:
        return False
    return True
