"""Decisions to ``logging``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from licentia import Event

__all__ = ["to_logging"]


def to_logging(logger: logging.Logger | str = "licentia") -> Callable[[Event], None]:
    """Gives a callable for ``Gate(on_event=...)`` that logs every decision.

    What was allowed is logged at level info; denials, and what was allowed in doubt, at warning.
    The record has the Event as its attribute ``event``, for a formatter that wants more.

    Args:
        logger: The logger, or its name.
    """
    target = logging.getLogger(logger) if isinstance(logger, str) else logger

    def log(event: Event) -> None:
        plain = event.code == 0 and event.warning is None
        level = logging.INFO if plain else logging.WARNING
        if target.isEnabledFor(level):
            target.log(
                level,
                "%s %s %s: %s of %s",
                "allowed" if event.allowed else "denied",
                event.code,
                event.warning or event.name,
                event.action or "a request",
                event.subject or "nobody known",
                extra={"event": event},
            )

    return log
