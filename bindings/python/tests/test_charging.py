"""The middlewares charge by the response, if they are told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request as HttpRequest
from fastapi.testclient import TestClient

import licentia
from licentia.asgi import LicenseMiddleware as AsgiMiddleware
from licentia.fastapi import install, licensed
from licentia.wsgi import LicenseMiddleware as WsgiMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.thread_unsafe(reason="runs event loops")

CALLS = licentia.Request(meters={"calls": 5})


@pytest.fixture
def token(issuer: licentia.Issuer) -> str:
    quotas: Any = {"calls": "100/day", "mails": "100/day"}
    return issuer.issue("cus_42", "pro", issued_at=1_000_000_000, expires=4_000_000_000, quotas=quotas)


class Account:
    """A gate, and what its customer has used."""

    def __init__(self, issuer: licentia.Issuer, token: str) -> None:
        self.gate = licentia.Gate(issuer.key)
        self.token = token

    def added(self, call: Callable[[], object]) -> int:
        """Returns by how much a call raises what is used."""
        before = self.used()
        call()
        return self.used() - before

    def used(self) -> int:
        charge = self.gate.check(self.token, meters={"calls": 0}).charges[0]
        return charge.limit - charge.remaining


@pytest.fixture
def account(issuer: licentia.Issuer, token: str) -> Account:
    return Account(issuer, token)


def asgi(account: Account, app: Any, **options: Any) -> int:
    """Returns what a request to an ASGI application costs."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [(b"authorization", f"Bearer {account.token}".encode())],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    middleware = AsgiMiddleware(app, account.gate, CALLS, **options)

    def call() -> None:
        try:
            asyncio.run(middleware(scope, receive, send))
        except (ZeroDivisionError, asyncio.CancelledError):
            return

    return account.added(call)


def responding(status: int, cost: int | None = None) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if cost is not None:
            scope["state"]["licentia.cost"] = {"calls": cost}
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise ZeroDivisionError


async def leaving(scope: Any, receive: Any, send: Any) -> None:
    raise asyncio.CancelledError


async def committing(scope: Any, receive: Any, send: Any) -> None:
    scope["state"]["licentia.reservation"].commit({"calls": 1})
    await responding(500)(scope, receive, send)


def test_asgi_charges_what_succeeds(account: Account) -> None:
    assert asgi(account, responding(500)) == 5, "by default it is charged before"
    for app, cost in [
        (responding(500), 0),
        (responding(503), 0),
        (responding(200), 5),
        (responding(404), 5),
        (responding(200, 2), 2),
        (responding(200, 0), 0),
        (responding(200, 9), 5),
        (responding(500, 2), 0),
        (raising, 0),
        (leaving, 5),
        (committing, 1),
    ]:
        assert asgi(account, app, charge_on_success=True) == cost, (app, cost)
    assert asgi(account, responding(404), charge_on_success=lambda status: status == 200) == 0


def test_fastapi_charges_what_succeeds(account: Account) -> None:
    app = FastAPI()
    install(app, account.gate)
    mails = Depends(licensed(meter={"mails": 2}, charge_on_success=True))

    def route(path: str, charged: Any = True) -> Any:
        needs = Depends(licensed(meter={"calls": 5}, charge_on_success=charged))
        return app.get(path, dependencies=[needs, mails] if path == "/both" else [needs])

    @route("/fine")
    @route("/both")
    @route("/always", charged=False)
    def fine() -> str:
        return "fine"

    @route("/cost")
    def cost(request: HttpRequest) -> str:
        request.state.licentia_cost = {"calls": 2, "mails": 1}
        return "cost"

    @route("/raises/{status}")
    @route("/only-200/{status}", charged=lambda status: status == 200)
    def raises(status: int) -> None:
        raise HTTPException(status)

    @route("/fails")
    @route("/always-fails", charged=False)
    def fails() -> None:
        raise ZeroDivisionError

    client = TestClient(app, headers={"authorization": f"Bearer {account.token}"}, raise_server_exceptions=False)
    for path, status, charged in [
        ("/fine", 200, 5),
        ("/both", 200, 5),
        ("/cost", 200, 2),
        ("/raises/404", 404, 5),
        ("/raises/503", 503, 0),
        ("/only-200/404", 404, 0),
        ("/fails", 500, 0),
        ("/always", 200, 5),
        ("/always-fails", 500, 5),
    ]:
        answer: Any = None

        def call(path: str = path) -> None:
            nonlocal answer
            answer = client.get(path)

        assert account.added(call) == charged, path
        assert answer.status_code == status, path
        if status < 500:
            assert "ratelimit" in answer.headers, path
    denied = client.get("/fine", headers={"authorization": "Bearer x"})
    assert denied.status_code == 401, "what is denied is not reserved"


def test_a_check_with_units_at_hand_stays_on_the_event_loop(issuer: licentia.Issuer, token: str, tmp_path: Path) -> None:
    gate = licentia.Gate(issuer.key, store=f"sqlite:{tmp_path / 'usage.db'}")
    # Ten are here, since they came back from a reservation.
    gate.reserve(token, meters={"calls": 10}).cancel()
    hops = 0

    async def to_thread(work: Any) -> Any:
        nonlocal hops
        hops += 1
        return work()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "to_thread", to_thread)

        async def run() -> None:
            assert await gate.check_async(token, meters={"calls": 1})
            assert await gate.check_async(token)
            assert await gate.reserve_async(token, meters={"calls": 1})
            assert not await gate.check_async("lic1_x", meters={"calls": 1})

        asyncio.run(run())
        before = hops
        assert before <= 1, "only a token that is not known may be verified elsewhere"

        async def more() -> None:
            assert await gate.check_async(token, meters={"calls": 50})

        asyncio.run(more())
        assert hops == before + 1, "the store is asked in another thread"


def wsgi(account: Account, app: Any, **options: Any) -> int:
    """Returns what a request to a WSGI application costs."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {account.token}"}
    middleware = WsgiMiddleware(app, account.gate, CALLS, **options)

    def call() -> None:
        try:
            body: Any = middleware(environ, lambda status, headers, *rest: None)
            try:
                for _ in body:
                    pass
            finally:
                if hasattr(body, "close"):
                    body.close()
        except ZeroDivisionError:
            return

    return account.added(call)


def answering(status: str, cost: int | None = None) -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        if cost is not None:
            environ["licentia.cost"] = {"calls": cost}
        start_response(status, [])
        return [b""]

    return app


def failing(environ: Any, start_response: Any) -> list[bytes]:
    raise ZeroDivisionError


def late(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("503 Service Unavailable", [])
    yield b""


def late_failing(environ: Any, start_response: Any) -> Iterator[bytes]:
    if environ:
        raise ZeroDivisionError
    yield b""


def test_wsgi_charges_what_succeeds(account: Account) -> None:
    assert wsgi(account, answering("500 Internal Server Error")) == 5, "by default it is charged before"
    for app, cost in [
        (answering("500 Internal Server Error"), 0),
        (answering("200 OK"), 5),
        (answering("404 Not Found"), 5),
        (answering("200 OK", 2), 2),
        (answering("200 OK", 9), 5),
        (failing, 0),
        (late, 0),
        (late_failing, 0),
    ]:
        assert wsgi(account, app, charge_on_success=True) == cost, (app, cost)
    charged = wsgi(account, answering("404 Not Found"), charge_on_success=lambda status: status == 200)
    assert charged == 0


def test_a_job_is_refunded_once(account: Account) -> None:
    gate, token = account.gate, account.token

    def charge() -> None:
        assert gate.check(token, meters={"calls": 7}, job="render-1")

    assert account.added(charge) == 7
    assert gate.refund(token, "render-1", {"calls": 3}) == {"calls": 3}
    assert gate.refund(token, "render-1", {"calls": 3}) == {"calls": 0}
    assert gate.refund(token, "render-1", {"calls": 99}) == {"calls": 4}
    with pytest.raises(licentia.InvalidArgumentError):
        gate.refund(token, "render-1", {})
    with pytest.raises(licentia.RejectedError):
        gate.refund("lic1_AAAA", "render-1", {"calls": 1})
