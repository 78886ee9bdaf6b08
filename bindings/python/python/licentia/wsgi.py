"""Middleware for WSGI applications: Flask, Django, Bottle."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from licentia import _http
from licentia._http import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from licentia import Decision, Gate, Request, Reservation

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
        charge_on_success: bool | Callable[[int], bool] = False,
    ) -> None:
        """Wraps an application.

        Args:
            app: The application.
            gate: The gate.
            request: What every request needs of a licence; by default only a good one.
            origin: The public origin, such as ``https://api.acme.example``, that proofs name
                before path and query. Proofs that are checked here do not cover the body.
            exempt: Paths that need no licence, such as ``/health``.
            charge_on_success: Reserves the meters, and charges them only if the response is no
                server error (5xx) and the application raises nothing; or a function that tells
                by the status whether to charge. The request's meters are then the most that it may
                cost, and the application may put what it did cost into
                ``environ["licentia.cost"]``, as a dict by meter, before it responds, or commit
                ``environ["licentia.reservation"]`` itself. Rates are counted in any case.
        """
        self.app = app
        self.gate = gate
        self.request: Request = NOTHING if request is None else request
        self.origin = origin
        self.exempt: frozenset[str] = frozenset(exempt)
        self.charged: Callable[[int], bool] | None = _http.which_are_charged(charge_on_success)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        if environ.get("PATH_INFO") in self.exempt:
            return self.app(environ, start_response)
        token, asked = _asked(environ, self.request, self.origin)
        reservation: Reservation | None = None
        if self.charged is None:
            decision = self.gate.check(token, asked)
        else:
            reservation = self.gate.reserve(token, asked)
            decision = reservation.decision
        if not decision:
            status, fields, body = _http.refusal(decision, environ.get("REQUEST_METHOD", "GET"))
            start_response(f"{status} {HTTPStatus(status).phrase}", fields)
            return [body]
        environ["licentia.decision"] = decision
        held = _Held(reservation, self.charged, environ)
        if reservation is not None:
            environ["licentia.reservation"] = reservation

        def start_with_fields(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            held.started(int(status[:3]))
            return start_response(status, [*headers, *decision.http_headers], *rest)

        try:
            answer = self.app(environ, start_with_fields)
        except BaseException:
            held.failed()
            raise
        return answer if held.ended else _Body(answer, held)


class _Held:
    """What is reserved for a request, until its response starts."""

    def __init__(
        self, reservation: Reservation | None, charged: Callable[[int], bool] | None, environ: WSGIEnvironment
    ) -> None:
        self.reservation = reservation
        self.charged = charged
        self.environ = environ

    @property
    def ended(self) -> bool:
        return self.reservation is None

    def _end(self, charge: bool) -> None:
        reservation, self.reservation = self.reservation, None
        if reservation is not None:
            _http.end(reservation, charge, self.environ.get("licentia.cost"))

    def started(self, status: int) -> None:
        self._end(self.charged is None or self.charged(status))

    def failed(self) -> None:
        self._end(charge=False)

    def closed(self) -> None:
        """Charges a request whose client has gone: the work may have been done."""
        self._end(charge=True)


class _Body:
    """The body of an application that starts its response when its body is read."""

    def __init__(self, body: Iterable[bytes], held: _Held) -> None:
        self.body = body
        self.parts = iter(body)
        self.held = held

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.parts)
        except StopIteration:
            raise
        except BaseException:
            self.held.failed()
            raise

    def close(self) -> None:
        self.held.closed()
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


def check(gate: Gate, environ: WSGIEnvironment, request: Request, *, origin: str = "") -> Decision:
    """Checks the request of a WSGI environment."""
    token, asked = _asked(environ, request, origin)
    return gate.check(token, asked)


def _asked(environ: WSGIEnvironment, request: Request, origin: str) -> tuple[str | None, Request]:
    """Returns the token of a WSGI environment, and what it asks for."""
    asked = _http.for_call(
        request,
        method=environ.get("REQUEST_METHOD", "GET"),
        target=_target(environ),
        origin=origin,
        source=environ.get("REMOTE_ADDR", ""),
        proof=environ.get("HTTP_LICENTIA_PROOF"),
    )
    return _http.token_of(environ.get("HTTP_AUTHORIZATION")), asked


def _target(environ: WSGIEnvironment) -> str:
    """Returns path and query as they were sent, or as most clients send them if the server does not say."""
    raw: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if raw.startswith("/"):
        return raw
    path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1")
    query = environ.get("QUERY_STRING", "")
    return _http.encoded(path) + (f"?{query}" if query else "")
