"""A gate before any ASGI application: Starlette, FastAPI, Quart, Litestar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from licentia import _http
from licentia._http import NOTHING, PROOF_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from licentia import Decision, Gate, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["LicenseMiddleware", "check"]


class LicenseMiddleware:
    """Asks a gate before an application sees the request.

    The licence comes as ``Authorization: Bearer lic1_...``, a proof of possession as
    ``Licentia-Proof`` in unpadded base64url. A refusal is answered; what is allowed has its
    decision in ``scope["state"]["licentia"]``, and its response the ``RateLimit`` fields.
    """

    def __init__(
        self,
        app: App,
        gate: Gate,
        request: Request | None = None,
        *,
        origin: str = "",
        exempt: Iterable[str] = (),
    ) -> None:
        """Puts a gate before an application.

        Args:
            app: The application.
            gate: The gate.
            request: What every request needs of a licence; a good one, where it is not said.
            origin: The public origin, such as ``https://api.acme.example``, that proofs name
                before path and query. Proofs that are checked here do not cover the body.
            exempt: Paths that need no licence, such as ``/health``.
        """
        self.app = app
        self.gate = gate
        self.request: Request = NOTHING if request is None else request
        self.origin = origin
        self.exempt: frozenset[str] = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] not in {"http", "websocket"} or scope.get("path") in self.exempt:
            await self.app(scope, receive, send)
            return
        decision = await check(self.gate, scope, self.request, origin=self.origin)
        if not decision:
            await _refuse(decision, scope, receive, send)
            return
        scope.setdefault("state", {})["licentia"] = decision
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in decision.http_headers]

        async def send_with_fields(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                message = {**message, "headers": [*message.get("headers", ()), *fields]}
            await send(message)

        await self.app(scope, receive, send_with_fields)


async def check(gate: Gate, scope: Scope, request: Request, *, origin: str = "") -> Decision:
    """Asks a gate about the request of an ASGI scope."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), value.decode("latin-1"))
    path, query = scope.get("path", ""), scope.get("query_string", b"")
    raw = scope.get("raw_path") or path.encode("utf-8", "surrogateescape")
    target = raw + b"?" + query if query else raw
    client = scope.get("client")
    asked = _http.for_call(
        request,
        method=scope.get("method", "GET"),
        path=path,
        url=origin + target.decode("latin-1"),
        source=client[0] if client else "",
        proof=found.get(PROOF_FIELD.encode()),
    )
    return await gate.check_async(_http.token_of(found.get(b"authorization")), asked)


async def _refuse(decision: Decision, scope: Scope, receive: Receive, send: Send) -> None:
    status, fields, body = _http.refusal(decision)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": decision.name})
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
