"""Middleware for WSGI applications: Flask, Django, Bottle."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from licentia import _http
from licentia._http import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from licentia import Decision, Gate, Request

__all__ = ["LicenseMiddleware", "check"]


class LicenseMiddleware:
    """Checks a request before the application sees it.

    The licence comes as ``Authorization: Bearer lic1_...``, a proof of possession as
    ``Licentia-Proof`` in unpadded base64url. The middleware answers a denied request. An allowed
    request has its decision in ``environ["licentia.decision"]``, and its response gets the
    ``RateLimit`` fields.
    """

    def __init__(
        self,
        app: WSGIApplication,
        gate: Gate,
        request: Request | None = None,
        *,
        origin: str = "",
        exempt: Iterable[str] = (),
    ) -> None:
        """Wraps an application.

        Args:
            app: The application.
            gate: The gate.
            request: What every request needs of a licence; by default only a good one.
            origin: The public origin, such as ``https://api.acme.example``, that proofs name
                before path and query. Proofs that are checked here do not cover the body.
            exempt: Paths that need no licence, such as ``/health``.
        """
        self.app = app
        self.gate = gate
        self.request: Request = NOTHING if request is None else request
        self.origin = origin
        self.exempt: frozenset[str] = frozenset(exempt)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        if environ.get("PATH_INFO") in self.exempt:
            return self.app(environ, start_response)
        decision = check(self.gate, environ, self.request, origin=self.origin)
        if not decision:
            status, fields, body = _http.refusal(decision, environ.get("REQUEST_METHOD", "GET"))
            start_response(f"{status} {HTTPStatus(status).phrase}", fields)
            return [body]
        environ["licentia.decision"] = decision

        def start_with_fields(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, *decision.http_headers], *rest)

        return self.app(environ, start_with_fields)


def check(gate: Gate, environ: WSGIEnvironment, request: Request, *, origin: str = "") -> Decision:
    """Checks the request of a WSGI environment."""
    asked = _http.for_call(
        request,
        method=environ.get("REQUEST_METHOD", "GET"),
        target=_target(environ),
        origin=origin,
        source=environ.get("REMOTE_ADDR", ""),
        proof=environ.get("HTTP_LICENTIA_PROOF"),
    )
    return gate.check(_http.token_of(environ.get("HTTP_AUTHORIZATION")), asked)


def _target(environ: WSGIEnvironment) -> str:
    """Returns path and query as they were sent, or as most clients send them if the server does not say."""
    raw: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if raw.startswith("/"):
        return raw
    path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")
    query = environ.get("QUERY_STRING", "")
    return _http.encoded(path) + (f"?{query}" if query else "")
