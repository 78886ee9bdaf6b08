"""The gate, with its asynchronous methods."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from typing import TYPE_CHECKING

from licentia._licentia import Gate as _Gate
from licentia._pending import pending

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from licentia._licentia import (  # The types of the stubs are not there at run time.
        Decision,
        Request,
        Reservation,
        _Needs,  # pyright: ignore[reportPrivateUsage]
        _Time,  # pyright: ignore[reportPrivateUsage]
        _Token,  # pyright: ignore[reportPrivateUsage]
    )

__all__ = ["Gate"]


class Gate(_Gate):
    __doc__ = _Gate.__doc__
    __slots__ = ()
    __signature__: inspect.Signature = inspect.signature(_Gate)

    @pending
    async def check_async(
        self,
        token: _Token | None,
        request: Request | None = None,
        *,
        now: _Time | None = None,
        **needs: Unpack[_Needs],
    ) -> Decision:
        """As ``check``, for asyncio: if the check would wait for the store, another thread waits for it.

        A check of units that the gate has taken ahead stays on the event loop.
        """
        if not self.may_block or not self._waits(token, request, now=now, **needs):
            return self.check(token, request, now=now, **needs)
        return await asyncio.to_thread(partial(self.check, token, request, now=now, **needs))

    @pending
    async def reserve_async(
        self,
        token: _Token | None,
        request: Request | None = None,
        *,
        now: _Time | None = None,
        **needs: Unpack[_Needs],
    ) -> Reservation:
        """As ``reserve``, for asyncio. Committing a job's reservation may wait for the store again."""
        if not self.may_block or not self._waits(token, request, now=now, **needs):
            return self.reserve(token, request, now=now, **needs)
        return await asyncio.to_thread(partial(self.reserve, token, request, now=now, **needs))
