"""Errors: only for misuse and a broken environment. A refusal is a ``Decision``, not an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from licentia import Decision

__all__ = [
    "DeniedError",
    "InvalidArgumentError",
    "LicentiaError",
    "RejectedError",
    "StoreError",
]


class LicentiaError(Exception):
    """What every error of this package derives from.

    Attributes:
        code: The number of its code, such as 802.
        name: The stable name of its code, such as ``invalid_argument``.
        advice: What to do about it.
    """

    code: int
    name: str
    advice: str

    def __init__(self, code: int, name: str, message: str, advice: str = "") -> None:
        """Makes an error of a row of the table of codes."""
        super().__init__(code, name, message, advice)
        self.code = code
        self.name = name
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        """Says what is wrong and what to do."""
        return f"{self.code} {self.name}: {self.message} {self.advice}".rstrip()


class InvalidArgumentError(LicentiaError, ValueError):
    """An argument is outside its documented range, or a key is not good."""


class RejectedError(LicentiaError, ValueError):
    """A token, keyset or revocation bundle is not good, and was not taken."""


class StoreError(LicentiaError, OSError):
    """A store or file is out of reach, or broken."""


class DeniedError(LicentiaError):
    """A request was denied, and ``Decision.raise_for_denied`` was called.

    Attributes:
        decision: The decision.
    """

    def __init__(self, decision: Decision) -> None:
        """Makes the error of a decision."""
        super().__init__(decision.code, decision.name, decision.message, decision.advice)
        self.decision = decision


def _make(code: int, name: str, message: str, advice: str, detail: str | None) -> LicentiaError:
    """Makes the error of a code; called by the native module."""
    kind: type[LicentiaError]
    if code == 620:
        kind = StoreError
    elif code < 800:
        kind = RejectedError
    else:
        kind = InvalidArgumentError
    if detail is not None:
        return kind(code, name, detail)
    return kind(code, name, message, advice)
