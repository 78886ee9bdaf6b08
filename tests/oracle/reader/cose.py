"""The frame: "Frame and header" of `docs/token-format.md`, which all signed objects share."""

from dataclasses import dataclass

from reader import limits
from reader.cbor import ARRAY, BYTES, MAP, NEGATIVE, TAG, UNSIGNED, Reader
from reader.refusal import Refusal, require

ED25519 = -19


@dataclass
class Signed:
    """A COSE_Sign1 whose signature was not verified."""

    kid: bytes
    alg: int
    payload: bytes
    signature: bytes
    signed: bytes


def read(data, typ, most=limits.TOKEN_BYTES):
    """Frame and header of a signed object of this kind."""
    require(len(data) <= most, "token_too_long")
    reader = Reader(data)
    require(_frame(reader.head) == (TAG, 18), "malformed_frame")
    require(_frame(reader.of, ARRAY)[1] == 4, "malformed_frame")
    start = reader.at
    protected = reader.take(_frame(reader.of, BYTES)[1])
    middle = reader.at
    require(_frame(reader.of, MAP)[1] == 0, "unprotected_header")
    payload_start = reader.at
    payload = reader.take(_frame(reader.of, BYTES)[1])
    payload_end = reader.at
    signature = reader.take(_frame(reader.of, BYTES)[1])
    require(len(signature) == 64, "malformed_frame")
    reader.end()
    alg, kid = header(protected, typ)
    to_sign = b"\x84\x6aSignature1" + data[start:middle] + b"\x40" + data[payload_start:payload_end]
    return Signed(kid, alg, payload, signature, to_sign)


def _frame(read, *major):
    """The head of an item of the frame."""
    try:
        return read(*major)
    except Refusal as refusal:
        if refusal.code in ("wrong_type", "forbidden_item"):
            raise Refusal("malformed_frame") from None
        raise


def header(data, typ):
    """The protected header: its algorithm and key identifier."""
    reader = Reader(data)
    found = {}
    for label in reader.keys(reader.map()):
        if label == 1:
            found["alg"] = reader.number(-limits.INTEGER)
        elif label == 2:
            _critical(reader)
        elif label == 4:
            found["kid"] = reader.bytes()
            require(1 <= len(found["kid"]) <= limits.KID_BYTES, "invalid_value")
        elif label == 16:
            found["typ"] = reader.any_text()
        else:
            reader.skip()
    require({"alg", "kid", "typ"} <= set(found), "missing_field")
    reader.end()
    require(found["typ"] == typ, "wrong_typ")
    return found["alg"], found["kid"]


def _critical(reader):
    for _ in range(reader.array(1, limits.CRITICAL)):
        if reader.peek() not in (UNSIGNED, NEGATIVE):
            reader.any_text()
            raise Refusal("unknown_critical")
        require(reader.integer() in (1, 4, 16), "unknown_critical")
