"""What the middlewares share: how a licence and a proof come with a request, and how a refusal is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from licentia._licentia import Proof, Request, bearer, decode_base64url

if TYPE_CHECKING:
    from licentia import Decision

PROBLEM_TYPE = "application/problem+json"
PROOF_FIELD = "licentia-proof"
NOTHING = Request()


def for_call(
    request: Request, *, method: str, path: str, url: str, source: str, proof: str | None
) -> Request:
    """What a route needs, with the circumstances of one call."""
    presented = None
    if proof is not None:
        presented = Proof(decode_base64url(proof), method=method, uri=url)
    return request.replace(action=f"{method} {path}", source=source, proof=presented)


def token_of(authorization: str | None) -> str | None:
    """The token of an ``Authorization`` field."""
    return None if authorization is None else bearer(authorization)


def refusal(decision: Decision) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, header fields and body of a refusal."""
    body = json.dumps(decision.problem).encode()
    fields = [
        *decision.http_headers,
        ("content-type", PROBLEM_TYPE),
        ("content-length", str(len(body))),
    ]
    return decision.http_status, fields, body
