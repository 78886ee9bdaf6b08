"""What the middlewares make of single requests, without a server."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request as HttpRequest, WebSocket
from fastapi.responses import JSONResponse
from shared import NOW
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

import licentia
import licentia.log
from licentia.asgi import LicenseMiddleware as AsgiMiddleware
from licentia.fastapi import install, licensed
from licentia.wsgi import LicenseMiddleware as WsgiMiddleware

pytestmark = pytest.mark.thread_unsafe(reason="runs event loops, and looks at the log of the process")

Needed = Annotated[licentia.License, Depends(licensed(feature="export", meter="calls"))]


@pytest.fixture
def token(issuer: licentia.Issuer) -> str:
    terms: Any = {"features": {"export": True}, "quotas": {"calls": "100/day"}, "rates": {"api": "100/1s"}}
    return issuer.issue("cus_42", "pro", issued_at=1_000_000_000, expires=4_000_000_000, **terms)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def application(gate: licentia.Gate | None) -> FastAPI:
    app = FastAPI()
    install(app, gate)

    @app.get("/plain")
    def plain(license: Needed) -> str:
        return license.subject

    @app.get("/own", response_model=None)
    async def own(license: Needed) -> JSONResponse:
        return JSONResponse({"for": license.subject}, headers={"x-own": "kept"})

    @app.get("/raises")
    async def raises(license: Needed) -> None:
        raise HTTPException(418, license.subject)

    @app.head("/plain")
    async def head(license: Needed) -> None: ...

    @app.get("/twice", dependencies=[Depends(licensed(rate="api"))])
    async def twice(request: HttpRequest, license: Needed) -> str:
        return str(request.state.licentia.charges[0].name)

    @app.get("/gold", dependencies=[Depends(licensed(feature="gold"))])
    async def gold() -> None: ...

    @app.get("/open")
    async def open_to_all() -> str:
        return "ok"

    @app.websocket("/socket")
    async def socket(socket: WebSocket, license: Needed) -> None:
        await socket.accept()
        await socket.send_text(license.subject)
        await socket.close()

    return app


def test_fastapi_adds_the_fields_to_whatever_is_answered(token: str, issuer: licentia.Issuer) -> None:
    client = TestClient(application(licentia.Gate(issuer.key)), headers=bearer(token))
    for left, (path, status) in enumerate([("/plain", 200), ("/own", 200), ("/raises", 418)]):
        answer = client.get(path)
        assert answer.status_code == status
        assert answer.headers["ratelimit"].startswith(f'"calls";r={99 - left};')
    assert client.get("/own").headers["x-own"] == "kept"
    twice = client.get("/twice")
    assert twice.json() == "calls"
    assert [field.partition(";")[0] for field in twice.headers.get_list("ratelimit")] == ['"api"', '"calls"']
    assert "ratelimit" not in client.get("/open").headers


def test_fastapi_answers_refusals(token: str, issuer: licentia.Issuer) -> None:
    client = TestClient(application(licentia.Gate(issuer.key)))
    missing = client.get("/plain")
    assert (missing.status_code, missing.json()["name"]) == (401, "missing_token")
    assert missing.headers["content-type"] == "application/problem+json"
    assert client.get("/gold", headers=bearer(token)).json()["name"] == "feature_not_licensed"
    head = client.head("/plain")
    assert (head.status_code, head.content, head.headers["content-length"]) == (401, b"", str(len(missing.content)))


def test_fastapi_says_what_is_missing(token: str, issuer: licentia.Issuer) -> None:
    bare = FastAPI()
    for path, gate in (("/a", None), ("/b", licentia.Gate(issuer.key))):
        bare.get(path, dependencies=[Depends(licensed(gate=gate))])(lambda: "ok")
        with pytest.raises(RuntimeError, match="install"):
            TestClient(bare).get(path, headers=bearer(token))
    with pytest.raises(RuntimeError, match="install"):
        TestClient(application(None)).get("/plain", headers=bearer(token))
    bare = FastAPI()
    bare.get("/b", dependencies=[Depends(licensed(gate=licentia.Gate(issuer.key)))])(lambda: "ok")
    install(bare)
    assert TestClient(bare).get("/b", headers=bearer(token)).status_code == 200
    assert TestClient(bare).get("/b").json()["name"] == "missing_token"


def test_fastapi_serves_websockets(token: str, issuer: licentia.Issuer) -> None:
    client = TestClient(application(licentia.Gate(issuer.key)))
    with client.websocket_connect("/socket", headers=bearer(token)) as socket:
        assert socket.receive_text() == "cus_42"
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/socket"):
        pass
    assert (refused.value.status_code, refused.value.json()["name"]) == (401, "missing_token")


def test_fastapi_below_another_one(token: str, issuer: licentia.Issuer) -> None:
    outer, gate = FastAPI(), licentia.Gate(issuer.key)
    install(outer, gate)
    outer.mount("/v1", application(gate))
    client = TestClient(outer)
    answer = client.get("/v1/own", headers=bearer(token))
    assert len(answer.headers.get_list("ratelimit")) == 1
    assert client.get("/v1/own").headers["content-type"] == "application/problem+json"


def test_fastapi_describes_itself(issuer: licentia.Issuer) -> None:
    client = TestClient(application(licentia.Gate(issuer.key)))
    for _ in range(2):
        schema = client.get("/openapi.json").json()
    assert schema["components"]["securitySchemes"]["Licentia"]["scheme"] == "bearer"
    export, public = schema["paths"]["/own"]["get"], schema["paths"]["/open"]["get"]
    assert export["security"] == [{"Licentia": []}]
    assert set(export["responses"]) == {"200", "401", "403", "429"}
    assert "application/problem+json" in export["responses"]["429"]["content"]
    assert set(public["responses"]) == {"200"}


def run_asgi(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


async def fine(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


def test_asgi(token: str, issuer: licentia.Issuer) -> None:
    events: list[licentia.Event] = []
    app = AsgiMiddleware(fine, licentia.Gate(issuer.key, on_event=events.append), exempt=["/health"])
    headers = [(b"Authorization", f"bearer {token}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/caf\u00e9/a\nb", "query_string": b"", "headers": headers}
    assert run_asgi(app, dict(scope))[0]["status"] == 200
    # A server that tells no raw path gets the one that most clients would have sent.
    assert events[0].action == "GET /caf%C3%A9/a%0Ab"
    assert run_asgi(app, scope | {"raw_path": b"/caf%c3%a9"})[0]["status"] == 200
    assert events[1].action == "GET /caf%c3%a9"
    refused = run_asgi(app, scope | {"method": "HEAD", "headers": []})
    assert (refused[0]["status"], refused[1]["body"]) == (401, b"")
    assert int(dict(refused[0]["headers"])[b"content-length"]) > 0
    assert run_asgi(app, scope | {"path": "/health", "headers": []})[0]["status"] == 200
    below = {"path": "/api/health", "root_path": "/api", "headers": []}
    assert run_asgi(app, scope | below)[0]["status"] == 200
    closed = run_asgi(app, scope | {"type": "websocket", "headers": []})
    assert closed == [{"type": "websocket.close", "code": 1008, "reason": "missing_token"}]
    extensions = {"websocket.http.response": {}}
    denied = run_asgi(app, scope | {"type": "websocket", "headers": [], "extensions": extensions})
    assert [(message["type"], message.get("status")) for message in denied] == [
        ("websocket.http.response.start", 401),
        ("websocket.http.response.body", None),
    ]


def test_wsgi(token: str, issuer: licentia.Issuer, caplog: pytest.LogCaptureFixture) -> None:
    events: list[licentia.Event] = []
    observers = [events.append, licentia.log.to_logging("shop")]

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [("x-own", "kept")])
        return [b"fine"]

    middleware = WsgiMiddleware(app, licentia.Gate(issuer.key, on_event=observers), exempt=["/health"])

    def ask(path: str, **environ: str) -> tuple[str, dict[str, str], bytes]:
        started: list[Any] = []
        # As PEP 3333 has it: the bytes of the path, one character for each.
        path = path.encode().decode("latin-1")
        given: Any = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": io.BytesIO()} | environ
        body = b"".join(middleware(given, lambda status, headers: started.extend([status, dict(headers)])))
        return started[0], started[1], body

    with caplog.at_level(logging.INFO, "shop"):
        status, fields, body = ask("/café/a\nb", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert (status, fields["x-own"], body) == ("200 OK", "kept", b"fine")
    assert events[0].action == "GET /caf%C3%A9/a%0Ab"
    assert caplog.messages == ["allowed 0 allowed: GET /caf%C3%A9/a%0Ab of cus_42"]
    ask("/x", RAW_URI="/caf%c3%a9?a=b", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert events[1].action == "GET /caf%c3%a9"
    status, fields, body = ask("/", REQUEST_METHOD="HEAD")
    assert (status, body) == ("401 Unauthorized", b"")
    assert int(fields["content-length"]) > 0
    assert ask("/health")[2] == b"fine"


def test_a_gate_settles_when_its_server_ends(token: str, issuer: licentia.Issuer, tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path}/usage.db"
    quotas = {"calls": "10000/day"}
    token = issuer.issue("cus_42", "pro", expires=4_000_000_000, features={"export": True}, quotas=quotas)

    def used() -> int:
        charge = licentia.Gate(issuer.key, store=store).check(token, meters={"calls": 0}).charges[0]
        return charge.limit - charge.remaining

    gate = licentia.Gate(issuer.key, store=store)
    with TestClient(application(gate), headers=bearer(token)) as client:
        for _ in range(50):
            assert client.get("/plain").status_code == 200
        for _ in range(200):
            assert gate.check(token, meters="calls")
        assert used() > 250, "nothing was taken ahead"
    assert used() == 250


def test_a_websocket_may_be_closed_by_its_server(issuer: licentia.Issuer) -> None:
    """Where a response cannot be sent in place of a websocket, it is closed."""
    app = application(licentia.Gate(issuer.key))

    async def old_server(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {}}, receive, send)

    with pytest.raises(WebSocketDisconnect) as closed, TestClient(old_server).websocket_connect("/socket"):
        pass
    assert (closed.value.code, closed.value.reason) == (1008, "missing_token")
