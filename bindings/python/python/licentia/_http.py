"""Code that the middlewares share: reading licence and proof from a request, and answering a refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from licentia._licentia import PROBLEM_TYPE, PROOF_FIELD, Proof, Request, bearer, decode_base64url

if TYPE_CHECKING:
    from licentia import Decision

__all__ = ["NOTHING", "PROOF_FIELD", "encoded", "for_call", "refusal", "token_of"]

NOTHING = Request()


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
