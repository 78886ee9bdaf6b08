"""Sends decisions to ``logging``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from licentia import Event

__all__ = ["to_logging"]


def to_logging(logger: logging.Logger | str = "licentia") -> Callable[[Event], None]:
    """Returns a callable for ``Gate(on_event=...)`` that logs every decision.

    Allowed requests are logged at level info; denied ones, and those allowed in doubt, at warning.
    The record's attribute ``event`` is the Event, for formatters. Text that clients chose is
    escaped, so that an entry stays one line.

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
                _shown(event.action or "a request"),
                _shown(event.subject or "nobody known"),
                extra={"event": event},
            )

    return log


def _shown(text: str) -> str:
    """Escapes characters that cannot be printed: line ends, escape sequences, marks of direction."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )
