"""Hooks for forks and for the end of the interpreter."""

from __future__ import annotations

import atexit
import os

from licentia import _licentia
from licentia.background import Refiller, Worker

__all__: list[str] = []


def _after_in_child() -> None:
    _licentia.after_fork_in_child()
    Worker.start_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_licentia.before_fork,
        after_in_parent=_licentia.after_fork_in_parent,
        after_in_child=_after_in_child,
    )


def _at_exit() -> None:
    workers = Worker.stop_all()
    # A refill that is under way would fetch units again after they were returned. A source of bundles may hang, and
    # must not delay that.
    Worker.join((worker for worker in workers if isinstance(worker, Refiller)), 10)
    _licentia.settle_all()
    Worker.join(workers, 1)


atexit.register(_at_exit)
