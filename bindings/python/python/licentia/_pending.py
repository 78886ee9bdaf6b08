"""Coroutines that are no truth: a forgotten ``await`` must not let a request pass."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["Pending", "pending"]


class Pending(Coroutine[Any, Any, T]):
    """A coroutine that raises where it is used as a condition. Python takes a plain one for true."""

    __slots__ = ("__weakref__", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        """Wraps a coroutine."""
        self._coroutine = coroutine

    def __bool__(self) -> NoReturn:
        """Refuses to be a condition."""
        self._coroutine.close()
        raise TypeError(f"`await` is missing before {self._name()}: a coroutine is neither true nor false")

    def __await__(self) -> Generator[Any, Any, T]:
        """Awaits the coroutine."""
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Resumes the coroutine."""
        return self._coroutine.send(value)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        trace: TracebackType | None = None,
    ) -> Any:
        """Raises inside the coroutine."""
        return self._coroutine.throw(kind, value, trace)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]

    def close(self) -> None:
        """Ends the coroutine."""
        self._coroutine.close()

    def _name(self) -> str:
        return str(getattr(self._coroutine, "__qualname__", "the call"))

    def __repr__(self) -> str:
        """Names the coroutine."""
        return f"<Pending {self._name()}>"


def pending(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Makes an ``async`` function return coroutines that raise where they are used as a condition."""

    @functools.wraps(function)
    def call(*arguments: P.args, **named: P.kwargs) -> Coroutine[Any, Any, T]:
        return Pending(function(*arguments, **named))

    mark = getattr(inspect, "markcoroutinefunction", None)  # From Python 3.12 on.
    return call if mark is None else mark(call)
