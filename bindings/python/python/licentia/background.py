"""Threads that work for a gate in the background. A child process starts them again after a fork."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, ClassVar

from licentia._licentia import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike
    from types import TracebackType

    from typing_extensions import Buffer, Self

    from licentia import Gate, RevocationBundle

__all__ = ["Refiller", "Watch"]

_log = logging.getLogger("licentia")


class Worker:
    """Repeats its work for a gate until it is stopped or the gate is gone."""

    _all: ClassVar[weakref.WeakSet[Worker]] = weakref.WeakSet()

    def __init__(self, gate: Gate, interval: float) -> None:
        if interval <= 0:
            raise ValueError("the interval must be longer than 0 seconds")
        self._gate = weakref.ref(gate)
        self._interval = interval
        self._start()
        self._all.add(self)

    def _start(self) -> None:
        self._stopped = threading.Event()
        # A weak reference, so that the thread does not keep the object alive.
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
        """Starts every thread again, in a child process, which has none of them."""
        for worker in list(cls._all):
            worker._start()

    @classmethod
    def stop_all(cls) -> list[Self]:
        """Tells every thread of this class to end, and returns the workers."""
        workers = [worker for worker in list(Worker._all) if isinstance(worker, cls)]
        for worker in workers:
            worker.stop()
        return workers

    @staticmethod
    def join(workers: Iterable[Worker], seconds: float) -> None:
        """Waits for stopped threads, at most so many seconds in all."""
        deadline = time.monotonic() + seconds
        for worker in workers:
            worker._thread.join(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Ends the thread after its current work."""
        self._all.discard(self)
        self._stopped.set()

    def __del__(self) -> None:
        """Ends the thread with the object."""
        if stopped := getattr(self, "_stopped", None):
            stopped.set()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Ends the thread."""
        self.stop()


class Refiller(Worker):
    """Fetches units before the gate has used up what it holds, and returns unused units.

    Then no request waits for the store. Without it, a request that finds no units fetches them
    itself. It ends when it is stopped or dropped, or with the gate.
    """

    def __init__(self, gate: Gate, interval: float = 1.0) -> None:
        """Refills every meter of a gate each ``interval`` seconds.

        Args:
            gate: The gate. It is not kept alive.
            interval: Units that are unused for so many seconds go back to the store.
        """
        super().__init__(gate, interval)

    def _work(self, gate: Gate) -> None:
        gate.refill()


class Watch(Worker):
    """Loads revocation bundles and deltas into a gate as they come, from a file or a callable.

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
        """Loads the bundle now, and again whenever it changes.

        Args:
            gate: The gate. It is not kept alive.
            source: A file, which you replace by renaming another one over it; or a callable that
                returns a bundle, or None if there is nothing new.
            interval: Seconds between two looks.
            on_error: Called with a later failure, which is logged by default. The gate then keeps its
                bundle. The error ``bundle_wrong_base`` means that a delta does not fit: then provide a
                whole bundle.

        Raises:
            LicentiaError: If the first bundle is bad. Also whatever the callable raises.
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
