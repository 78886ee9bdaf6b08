"""Middleware for ASGI applications: Starlette, FastAPI, Quart, Litestar."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from licentia import _http
from licentia._http import NOTHING, PROOF_FIELD
from licentia._pending import pending
from licentia.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from licentia import Decision, Gate, Request, Reservation

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Fields = list[tuple[bytes, bytes]]

__all__ = ["LicenseMiddleware", "check"]


class LicenseMiddleware:
    """Checks a request before the application sees it.

    The licence comes as ``Authorization: Bearer lic1_...``, a proof of possession as
    ``Licentia-Proof`` in unpadded base64url. The middleware answers a denied request. An allowed
    request has its decision in ``scope["state"]["licentia"]``, and its response gets the
    ``RateLimit`` fields. When the server shuts down, the gate returns unused units.
    """

    def __init__(
        self,
        app: App,
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
            exempt: Paths below the application's root that need no licence, such as ``/health``.
            charge_on_success: Reserves the meters, and charges them only if the response is no
                server error (5xx) and the application raises nothing; or a function that tells
                by the status whether to charge. The request's meters are then the most that it may
                cost, and the application may put what it did cost into
                ``scope["state"]["licentia.cost"]``, as a dict by meter, before it responds, or
                commit ``scope["state"]["licentia.reservation"]`` itself. Rates are counted in any
                case, and a client that goes away before the response is charged. Websockets are
                charged when they begin.
        """
        self.app = app
        self.gate = gate
        self.request: Request = NOTHING if request is None else request
        self.origin = origin
        self.exempt: frozenset[str] = frozenset(exempt)
        self.charged: Callable[[int], bool] | None = _http.which_are_charged(charge_on_success)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, settling(self.gate, send))
            return
        if scope["type"] not in {"http", "websocket"} or _route(scope) in self.exempt:
            await self.app(scope, receive, send)
            return
        if self.charged is not None and scope["type"] == "http":
            await self._reserved(scope, receive, send, self.charged)
            return
        decision = await check(self.gate, scope, self.request, origin=self.origin)
        if not decision:
            if scope["type"] == "websocket":
                await receive()
            await refuse(decision, scope, send)
            return
        scope.setdefault("state", {})["licentia"] = decision
        await self.app(scope, receive, adding(latin(decision.http_headers), send))

    async def _reserved(
        self, scope: Scope, receive: Receive, send: Send, charged: Callable[[int], bool]
    ) -> None:
        """Answers one request, and charges it when the response starts."""
        token, asked = asked_of(scope, self.request, self.origin)
        reservation = await self.gate.reserve_async(token, asked)
        decision = reservation.decision
        if not decision:
            await refuse(decision, scope, send)
            return
        state = scope.setdefault("state", {})
        state["licentia"], state["licentia.reservation"] = decision, reservation
        reserved = Reserved()
        reserved.add(reservation, charged, waits=self.gate.may_block)
        await reserved.serve(self.app, scope, receive, adding(latin(decision.http_headers), send))


class Reserved:
    """The reservations of one request, which its response charges or returns."""

    def __init__(self) -> None:
        """Starts without any."""
        self._held: list[tuple[Reservation, Callable[[int], bool], bool, frozenset[str] | None]] = []

    def add(
        self,
        reservation: Reservation,
        charged: Callable[[int], bool],
        *,
        waits: bool,
        meters: frozenset[str] | None = None,
    ) -> None:
        """Adds a reservation.

        Args:
            reservation: The reservation.
            charged: Tells by the status whether the response is charged.
            waits: Whether the store may block: a job's charge is ended there.
            meters: The meters whose cost the application may tell; None for all.
        """
        self._held.append((reservation, charged, waits, meters))

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs an application, and charges what is reserved when its response starts."""

        async def ending(message: Message) -> None:
            if message["type"] == "http.response.start":
                state = scope.get("state", {})
                cost = state.get("licentia.cost") or state.get("licentia_cost")
                await self._end(message["status"], cost)
            await send(message)

        try:
            await app(scope, receive, ending)
        except Exception:
            await self._end(None, None)
            raise
        finally:
            # The client has gone, and the work may have been done.
            for reservation, *_ in self._held:
                _http.end(reservation, True, None)

    async def _end(self, status: int | None, cost: Mapping[str, int] | None) -> None:
        """Ends all of them. Without a status the application has failed, and nothing is charged."""
        held, self._held = self._held, []
        for reservation, charged, waits, meters in held:
            charge = status is not None and charged(status)
            own = cost if cost is None or meters is None else {name: cost[name] for name in meters & cost.keys()}
            if waits:
                await asyncio.to_thread(_http.end, reservation, charge, own)
            else:
                _http.end(reservation, charge, own)


def _route(scope: Scope) -> str:
    """Returns the path below the application's own root."""
    path: str = scope.get("path", "")
    return path.removeprefix(scope.get("root_path", ""))


@pending
async def check(gate: Gate, scope: Scope, request: Request, *, origin: str = "") -> Decision:
    """Checks the request of an ASGI scope."""
    token, asked = asked_of(scope, request, origin)
    return await gate.check_async(token, asked)


def asked_of(scope: Scope, request: Request, origin: str) -> tuple[str | None, Request]:
    """Returns the token of an ASGI scope, and what it asks for."""
    found: dict[bytes, str] = {}
    for key, value in scope["headers"]:
        # A field that stands twice is one list (RFC 9110, section 5.3), as WSGI servers and other languages have it.
        name, text = key.lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    raw, query = scope.get("raw_path"), scope.get("query_string", b"").decode("latin-1")
    path = raw.decode("latin-1") if raw else _http.encoded(scope.get("path", ""))
    client = scope.get("client")
    asked = _http.for_call(
        request,
        method=scope.get("method", "GET"),
        target=f"{path}?{query}" if query else path,
        origin=origin,
        source=client[0] if client else "",
        proof=found.get(PROOF_FIELD.encode()),
    )
    return _http.token_of(found.get(b"authorization")), asked


def latin(fields: Iterable[tuple[str, str]]) -> Fields:
    """Encodes header fields for ASGI."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def adding(fields: Fields, send: Send) -> Send:
    """Adds the header fields that are in the list when the response starts."""

    async def send_with_fields(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept", "websocket.http.response.start"}:
            message = {**message, "headers": [*message.get("headers", ()), *fields]}
        await send(message)

    return send_with_fields


def settling(gate: Gate, send: Send) -> Send:
    """Returns unused units when the server shuts down, since a signal may end the process then."""

    async def settle_and_send(message: Message) -> None:
        if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
            # If the store is unreachable, the units are lost, and never granted twice.
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(gate.settle)
        await send(message)

    return settle_and_send


async def refuse(decision: Decision, scope: Scope, send: Send) -> None:
    """Answers a refusal. Closes a websocket if its server cannot send a response instead."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": decision.name})
            return
    status, fields, body = _http.refusal(decision, scope.get("method", "GET"))
    await send({"type": f"{kind}.start", "status": status, "headers": latin(fields)})
    await send({"type": f"{kind}.body", "body": body})
