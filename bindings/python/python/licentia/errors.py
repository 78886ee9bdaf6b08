"""Errors, for misuse and a broken environment. A denial is a ``Decision``, not an error."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

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
    """The base class of all errors of this package.

    Attributes:
        code: The number of its code, such as 802.
        name: The stable name of its code, such as ``invalid_argument``.
        message: What is wrong.
        advice: What to do about it.
    """

    code: int
    name: str
    message: str
    advice: str

    def __init__(self, code: int, name: str, message: str, advice: str = "", detail: str | None = None) -> None:
        """Makes an error from a row of the table of codes, with a detail if there is one."""
        # One argument: with two or more, an OSError would take the first for an `errno`.
        super().__init__(detail or f"{message} {advice}".rstrip())
        self.code = code
        self.name = name
        self.message = detail or message
        self.advice = advice

    def __str__(self) -> str:
        """Returns what is wrong and what to do."""
        return f"{self.code} {self.name}: {self.args[0]}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the whole error."""
        return _again, (type(self), self.args, self.__dict__)


class InvalidArgumentError(LicentiaError, ValueError):
    """An argument is outside its documented range, or a key is bad."""


class RejectedError(LicentiaError, ValueError):
    """A token, keyset or revocation bundle is bad, and was refused."""


class StoreError(LicentiaError, OSError):
    """A store or file is unreachable or broken."""


class DeniedError(LicentiaError):
    """A request was denied, and ``Decision.raise_for_denied`` was called.

    Attributes:
        decision: The decision. A pickled copy does not have it.
    """

    decision: Decision

    def __init__(self, decision: Decision) -> None:
        """Makes the error from a decision."""
        super().__init__(decision.code, decision.name, decision.message, decision.advice)
        self.decision = decision

    def __copy__(self) -> LicentiaError:
        """Copies the error, with its decision."""
        return _again(type(self), self.args, self.__dict__)

    def __deepcopy__(self, _memo: dict[int, Any]) -> LicentiaError:
        """Copies the error, with its immutable decision."""
        return copy.copy(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the error without its decision."""
        kept = {name: value for name, value in self.__dict__.items() if name != "decision"}
        return _again, (type(self), self.args, kept)


def _again(kind: type[LicentiaError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> LicentiaError:
    """Makes an error from its pickled parts."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    return error


def make(code: int, name: str, message: str, advice: str, detail: str | None) -> LicentiaError:
    """Makes the error of a code; called by the native module."""
    kind: type[LicentiaError]
    if code == 620:
        kind = StoreError
    elif code < 800:
        kind = RejectedError
    else:
        kind = InvalidArgumentError
    return kind(code, name, message, advice, detail)
