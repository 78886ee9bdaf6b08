"""An application of Starlette behind the middleware, for the tests."""

import os

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from licentia import Gate, Request
from licentia.asgi import LicenseMiddleware


async def export(request: HttpRequest) -> JSONResponse:
    return JSONResponse({"for": request.state.licentia.license.subject, "worker": os.getpid()})


async def health(request: HttpRequest) -> JSONResponse:
    return JSONResponse("ok")


app = LicenseMiddleware(
    Starlette(routes=[Route("/export", export), Route("/files/{name:path}", export), Route("/health", health)]),
    Gate(os.environ["LICENTIA_KEY"], store=os.environ["LICENTIA_STORE"]),
    Request(features="export", meters="calls"),
    origin="http://api.test",
    exempt=["/health"],
)
