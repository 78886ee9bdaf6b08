"""Threads that work for a gate, beside the requests. They go on in a child after a fork."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, ClassVar

from licentia._licentia import Feed

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from types import TracebackType

    from typing_extensions import Buffer, Self

    from licentia import Gate, RevocationBundle

__all__ = ["Refiller", "Watch"]

_log = logging.getLogger("licentia")


class Worker:
    """Does its work for a gate again and again, until it is stopped or the gate is gone."""

    _all: ClassVar[weakref.WeakSet[Worker]] = weakref.WeakSet()

    def __init__(self, gate: Gate, interval: float) -> None:
        if interval <= 0:
            raise ValueError("an interval is longer than nothing")
        self._gate = weakref.ref(gate)
        self._interval = interval
        self._start()
        self._all.add(self)

    def _start(self) -> None:
        self._stopped = threading.Event()
        # It does not keep the object alive.
        arguments = (weakref.ref(self), self._stopped, self._interval)
        name = f"licentia-{type(self).__name__}"
        self._thread = threading.Thread(target=self._run, args=arguments, name=name, daemon=True)
        self._thread.start()

    def _work(self, gate: Gate) -> None:
        raise NotImplementedError

    @staticmethod
    def _run(worker: weakref.ref[Worker], stopped: threading.Event, interval: float) -> None:
        while not stopped.wait(interval):
            found = worker()
            gate = None if found is None else found._gate()
            if found is None or gate is None:
                return
            try:
                found._work(gate)
            except Exception:
                _log.exception("%s goes on after an error", type(found).__name__)
            del found, gate

    @classmethod
    def start_again(cls) -> None:
        """Starts every thread anew, in a child that has none of them."""
        for worker in list(cls._all):
            worker._start()

    @classmethod
    def end_all(cls) -> None:
        """Ends every thread when the interpreter ends, which must find none at work."""
        workers = list(cls._all)
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker._thread.join(10)

    def stop(self) -> None:
        """Ends the thread, after what it is at."""
        self._all.discard(self)
        self._stopped.set()

    def __del__(self) -> None:
        """Ends the thread with the object."""
        if stopped := getattr(self, "_stopped", None):
            stopped.set()

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Ends the thread."""
        self.stop()


class Refiller(Worker):
    """Fetches units before those at hand are used up, so that no request waits for the store, and gives back unused ones.

    Without it a request that finds none fetches them itself. It ends when it is stopped or dropped,
    or with the gate.
    """

    def __init__(self, gate: Gate, interval: float = 1.0) -> None:
        """Looks after every meter of a gate each ``interval`` seconds.

        Args:
            gate: The gate, which is not kept alive.
            interval: What is not used for so many seconds is given back.
        """
        super().__init__(gate, interval)

    def _work(self, gate: Gate) -> None:
        gate.refill()


class Watch(Worker):
    """Loads revocation bundles and deltas into a gate as they come, from a file or from anywhere.

    It ends when it is stopped or dropped, or with the gate.
    """

    def __init__(
        self,
        gate: Gate,
        source: str | PathLike[str] | Callable[[], RevocationBundle | Buffer | None],
        interval: float = 60.0,
        *,
        on_error: Callable[[Exception], object] | None = None,
    ) -> None:
        """Loads what is there now, and again whenever it has changed.

        Args:
            gate: The gate, which is not kept alive.
            source: A file, which should be replaced by renaming another one over it; or a callable
                that gives a bundle, or None where there is nothing new.
            interval: How many seconds are between two looks.
            on_error: Called with what later goes wrong, which is logged where this is not said; the
                bundle in use then stays. A delta that does not fit is told as ``bundle_wrong_base``:
                then give a whole bundle.

        Raises:
            LicentiaError: For what is there now. Also whatever the callable raises.
        """
        self._fetch = source if callable(source) else None
        self._feed = Feed(None if callable(source) else source)
        self._on_error = on_error
        self._load(gate)
        super().__init__(gate, interval)

    def _work(self, gate: Gate) -> None:
        try:
            self._load(gate)
        except Exception as error:
            if self._on_error is None:
                raise
            self._on_error(error)

    def _load(self, gate: Gate) -> None:
        self._feed.load(gate, None if self._fetch is None else self._fetch())
