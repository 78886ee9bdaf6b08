"""Dependencies for FastAPI.

    app = FastAPI()
    install(app, Gate("licpub1_..."))

    @app.get("/export")
    def export(license: Annotated[License, Depends(licensed(feature="export", meter="api_calls"))]):
        return {"for": license.subject}
"""

# No `from __future__ import annotations`: FastAPI looks at the annotations of what is defined here.
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Response
from fastapi import Request as HttpRequest
from starlette.exceptions import HTTPException
from starlette.responses import Response as PlainResponse

from licentia import Decision, Gate, License, Request, _http
from licentia.asgi import check

__all__ = ["Denied", "install", "licensed"]


class Denied(HTTPException):
    """A refusal on its way to the client. ``install`` registers what answers it."""

    def __init__(self, decision: Decision) -> None:
        """Makes it of a decision."""
        super().__init__(decision.http_status, decision.name, dict(decision.http_headers))
        self.decision = decision


async def _answer(_request: HttpRequest, error: Exception) -> PlainResponse:
    if not isinstance(error, Denied):
        raise error
    status, fields, body = _http.refusal(error.decision)
    return PlainResponse(body, status, dict(fields))


def install(app: FastAPI, gate: Gate, *, origin: str = "") -> None:
    """Gives an application its gate, and answers refusals with problem details (RFC 9457).

    Args:
        app: The application.
        gate: The gate.
        origin: The public origin, such as ``https://api.acme.example``, that proofs name before
            path and query.
    """
    app.state.licentia_gate = gate
    app.state.licentia_origin = origin
    app.add_exception_handler(Denied, _answer)


def licensed(
    *,
    feature: str | list[str] | None = None,
    meter: str | Mapping[str, int] | None = None,
    rate: str | Mapping[str, int] | None = None,
    gate: Gate | None = None,
) -> Callable[[HttpRequest, Response], Awaitable[License | None]]:
    """Makes a dependency that needs a licence, for ``Depends``. Its value is the License.

    Args:
        feature: A feature, or several, that must be licensed.
        meter: A quota to charge at cost 1, or a dict of costs.
        rate: A rate to count against at cost 1, or a dict of costs.
        gate: The gate, where it is not the one that ``install`` gave.

    The dependency's value is None only where an advisory gate let a request pass without a good licence.
    """
    needs = Request(features=feature, meters=meter, rates=rate)

    async def dependency(request: HttpRequest, response: Response) -> License | None:
        state = request.app.state
        decision = await check(
            gate or state.licentia_gate, request.scope, needs, origin=getattr(state, "licentia_origin", "")
        )
        if not decision:
            raise Denied(decision)
        request.state.licentia = decision
        for name, value in decision.http_headers:
            response.headers[name] = value
        return decision.license

    return dependency
