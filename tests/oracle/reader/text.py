"""The text forms: "Text form" of `docs/token-format.md`."""

import base64

from reader import limits
from reader.refusal import require

DIGITS = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def decode(text, prefix, code="malformed_text"):
    """The bytes that a text (as bytes) stands for."""
    require(text.startswith(prefix), code)
    digits = text[len(prefix) :]
    require(len(digits) % 4 != 1, code)
    require(len(digits) * 3 // 4 <= limits.TOKEN_BYTES, "token_too_long")
    require(set(digits) <= DIGITS, code)
    decoded = base64.urlsafe_b64decode(digits + b"=" * (-len(digits) % 4))
    # Bits that belong to no byte are zero, so that encoding gives the same digits.
    require(base64.urlsafe_b64encode(decoded).rstrip(b"=") == digits, code)
    return decoded
