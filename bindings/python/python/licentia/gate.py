"""The gate, with what is Python's own."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import os
import weakref
from functools import partial
from typing import TYPE_CHECKING

from licentia._licentia import Gate as _Gate
from licentia.errors import StoreError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from licentia._licentia import Decision, Request, _Needs, _Time, _Token

__all__ = ["Gate"]

_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


class Gate(_Gate):
    __doc__ = _Gate.__doc__
    __slots__ = ()
    __signature__: inspect.Signature = inspect.signature(_Gate)

    def __init__(self, *_arguments: object, **_named: object) -> None:
        """Makes a gate; the arguments are those of the class."""
        _gates.add(self)

    async def check_async(
        self,
        token: _Token | None,
        request: Request | None = None,
        *,
        now: _Time | None = None,
        **needs: Unpack[_Needs],
    ) -> Decision:
        """As ``check``, for asyncio: where the store may block, another thread waits for it."""
        if not self.may_block:
            return self.check(token, request, now=now, **needs)
        return await asyncio.to_thread(partial(self.check, token, request, now=now, **needs))


def _after_fork() -> None:
    """What a parent had taken ahead is not its child's."""
    for gate in list(_gates):
        gate.after_fork()


def _at_exit() -> None:
    """Gives back what was taken ahead, for globals are not dropped at the end of an interpreter."""
    for gate in list(_gates):
        with contextlib.suppress(StoreError):
            gate.settle()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
