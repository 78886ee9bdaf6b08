"""Code that the middlewares share: reading licence and proof from a request, and answering a refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from licentia._licentia import PROBLEM_TYPE, PROOF_FIELD, Proof, Request, bearer, decode_base64url
from licentia.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from licentia import Decision, Reservation

__all__ = [
    "NOTHING",
    "PROOF_FIELD",
    "encoded",
    "end",
    "for_call",
    "no_server_error",
    "refusal",
    "token_of",
    "which_are_charged",
]

NOTHING = Request()


def no_server_error(status: int) -> bool:
    """Tells whether a response is no server error (5xx, RFC 9110, section 15.6)."""
    return status < 500


def which_are_charged(charge_on_success: bool | Callable[[int], bool]) -> Callable[[int], bool] | None:
    """Returns what tells by its status whether a response is charged; None if every request is charged before."""
    if isinstance(charge_on_success, bool):
        return no_server_error if charge_on_success else None
    return charge_on_success


def end(reservation: Reservation, charge: bool, cost: Mapping[str, int] | None) -> None:
    """Charges what is reserved or returns it, unless the application has done so."""
    if not charge:
        reservation.cancel()
        return
    try:
        reservation.commit(dict(cost) if cost else None)
    except InvalidArgumentError:
        # The application has ended it; or a cost was above what was reserved, and all of that is charged.
        return


def encoded(path: str | bytes) -> str:
    """Encodes a decoded path as a client sends it (RFC 3986, section 3.3)."""
    return quote(path, safe="/:@!$&'()*+,;=~")


def for_call(
    request: Request, *, method: str, target: str, origin: str, source: str, proof: str | None
) -> Request:
    """Adds the details of one call to the needs of a route. The target is path and query as they were sent."""
    presented = None
    if proof is not None:
        # Without an origin a proof would name no service: the empty URI matches none.
        presented = Proof(decode_base64url(proof), method=method, uri=origin + target if origin else "")
    path = target.partition("?")[0]
    return request.replace(action=f"{method} {path}", source=source, proof=presented)


def token_of(authorization: str | None) -> str | None:
    """Returns the token of an ``Authorization`` field."""
    return None if authorization is None else bearer(authorization)


def refusal(decision: Decision, method: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Returns status, header fields and body of a refusal. The answer to HEAD has no body."""
    body = json.dumps(decision.problem).encode()
    fields = [
        *decision.http_headers,
        ("content-type", PROBLEM_TYPE),
        ("content-length", str(len(body))),
    ]
    return decision.http_status, fields, b"" if method == "HEAD" else body
