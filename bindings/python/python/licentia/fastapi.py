"""Dependencies for FastAPI.

    app = FastAPI()
    install(app, Gate("licpub1_..."))

    @app.get("/export")
    def export(license: Annotated[License, Depends(licensed(feature="export", meter="api_calls"))]):
        return {"for": license.subject}
"""

# No `from __future__ import annotations`: FastAPI reads the annotations of this module.
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request as HttpRequest
from starlette.responses import Response
from starlette.websockets import WebSocket

from licentia import Decision, Gate, License, Request, _http
from licentia._licentia import PROBLEM_TYPE
from licentia.asgi import (
    App,
    Fields,
    Receive,
    Reserved,
    Scope,
    Send,
    adding,
    asked_of,
    check,
    latin,
    refuse,
    settling,
)

__all__ = ["Denied", "install", "licensed"]

# Key of the scope under which the layer keeps the header fields of the response.
_FIELDS = "licentia.fields"
# Key of the scope under which the layer keeps what the response charges.
_RESERVED = "licentia.reserved"
_SCHEME = "Licentia"
_REFUSALS = {
    "401": "The licence is missing, or is not good.",
    "403": "The licence does not grant this.",
    "429": "A rate or quota is used up.",
}


class Denied(HTTPException):
    """A refusal on its way to the client. ``install`` registers its handler."""

    def __init__(self, decision: Decision) -> None:
        """Makes the exception from a decision."""
        super().__init__(decision.http_status, decision.name, dict(decision.http_headers))
        self.decision = decision


def install(app: FastAPI, gate: Gate | None = None, *, origin: str = "") -> None:
    """Prepares an application for ``licensed``. Call it before the application starts.

    It sets the application's gate, answers refusals with problem details (RFC 9457), adds the
    ``RateLimit`` fields to every response, and describes both in OpenAPI. When the server shuts
    down, the gate returns unused units.

    Args:
        app: The application.
        gate: The gate; None if every ``licensed`` has its own.
        origin: The public origin, such as ``https://api.acme.example``, that proofs name before
            path and query.
    """
    app.state.licentia_gate = gate
    app.state.licentia_origin = origin
    app.add_exception_handler(Denied, cast(Any, _answer))
    app.add_middleware(_Layer, gate=gate)
    make = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        for path in schema.get("paths", {}).values():
            for operation in path.values():
                if any(_SCHEME in needed for needed in operation.get("security", ())):
                    _describe(operation["responses"])
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def licensed(
    *,
    feature: str | list[str] | None = None,
    meter: str | Mapping[str, int] | None = None,
    rate: str | Mapping[str, int] | None = None,
    gate: Gate | None = None,
    charge_on_success: bool | Callable[[int], bool] = False,
) -> Callable[[HTTPConnection], Awaitable[License | None]]:
    """Returns a dependency for ``Depends`` that requires a licence. Its value is the License.

    It works for websockets too. The decision is in ``request.state.licentia``.

    Args:
        feature: A feature, or several, that must be licensed.
        meter: A quota to charge at cost 1, or a dict of costs.
        rate: A rate to count against at cost 1, or a dict of costs.
        gate: The gate, if it is not the one of ``install``.
        charge_on_success: Reserves the meters, and charges them only if the response is no server
            error (5xx) and nothing is raised; or a function that tells by the status whether to
            charge. The meters are then the most that the request may cost, and the endpoint may
            put what it did cost into ``request.state.licentia_cost``, as a dict by meter. Rates are
            counted in any case, and a client that goes away before the response is charged.
            Websockets are charged when they begin.

    The value is None only if an advisory gate allowed a request without a good licence.
    """
    names = frozenset({meter} if isinstance(meter, str) else meter or ())
    charged = _http.which_are_charged(charge_on_success)
    return _Licensed(Request(features=feature, meters=meter, rates=rate), gate, names, charged)


class _Licensed(SecurityBase):
    """The dependency that ``licensed`` returns; a security scheme for OpenAPI."""

    def __init__(
        self,
        needs: Request,
        gate: Gate | None,
        meters: frozenset[str],
        charged: Callable[[int], bool] | None,
    ) -> None:
        self.needs = needs
        self.gate = gate
        self.meters = meters
        self.charged = charged
        self.model = HTTPBearer(bearerFormat="lic1", description="A licence, `lic1_...`.")
        self.scheme_name = _SCHEME

    async def __call__(self, connection: HTTPConnection) -> License | None:
        scope, state = connection.scope, connection.app.state
        gate: Gate | None = self.gate or getattr(state, "licentia_gate", None)
        fields: Fields | None = scope.get(_FIELDS)
        if gate is None or fields is None:
            raise RuntimeError("call licentia.fastapi.install(app, gate) for the application that uses licensed()")
        origin = getattr(state, "licentia_origin", "")
        if self.charged is not None and scope["type"] == "http":
            token, asked = asked_of(scope, self.needs, origin)
            reservation = await gate.reserve_async(token, asked)
            decision = reservation.decision
            reserved: Reserved = scope[_RESERVED]
            if decision:
                reserved.add(reservation, self.charged, waits=gate.may_block, meters=self.meters)
        else:
            decision = await check(gate, scope, self.needs, origin=origin)
        if not decision:
            raise Denied(decision)
        connection.state.licentia = decision
        fields += latin(decision.http_headers)
        return decision.license


class _Layer:
    """Adds the header fields of an allowed request to its response."""

    def __init__(self, app: App, gate: Gate | None) -> None:
        self.app = app
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and self.gate is not None:
            send = settling(self.gate, send)
        elif scope["type"] in {"http", "websocket"} and _FIELDS not in scope:
            send = adding(scope.setdefault(_FIELDS, []), send)
            if scope["type"] == "http":
                reserved = scope[_RESERVED] = Reserved()
                await reserved.serve(self.app, scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _answer(connection: HttpRequest | WebSocket, error: Exception) -> Response | None:
    if not isinstance(error, Denied):
        raise error
    if isinstance(connection, WebSocket):
        await refuse(error.decision, connection.scope, connection.send)
        return None
    status, fields, body = _http.refusal(error.decision, connection.method)
    return Response(body, status, dict(fields))


def _describe(responses: dict[str, Any]) -> None:
    schema = {"type": "object", "description": "Problem details (RFC 9457)."}
    for status, description in _REFUSALS.items():
        content = {PROBLEM_TYPE: {"schema": schema}}
        responses.setdefault(status, {"description": description, "content": content})
