"""What the middlewares share: how a licence and a proof come with a request, and how a refusal is sent."""

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
    """A path that was decoded, as a client sends it (RFC 3986, section 3.3)."""
    return quote(path, safe="/:@!$&'()*+,;=~")


def for_call(
    request: Request, *, method: str, target: str, origin: str, source: str, proof: str | None
) -> Request:
    """What a route needs, with the circumstances of one call. The target is path and query as they were sent."""
    presented = None
    if proof is not None:
        presented = Proof(decode_base64url(proof), method=method, uri=origin + target)
    path = target.partition("?")[0]
    return request.replace(action=f"{method} {path}", source=source, proof=presented)


def token_of(authorization: str | None) -> str | None:
    """The token of an ``Authorization`` field."""
    return None if authorization is None else bearer(authorization)


def refusal(decision: Decision, method: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, header fields and body of a refusal; to HEAD the body is only described."""
    body = json.dumps(decision.problem).encode()
    fields = [
        *decision.http_headers,
        ("content-type", PROBLEM_TYPE),
        ("content-length", str(len(body))),
    ]
    return decision.http_status, fields, b"" if method == "HEAD" else body
