"""A program that type checkers look at, and nobody runs."""

from __future__ import annotations

from datetime import datetime, timezone

from typing_extensions import assert_type

import licentia
from licentia.asgi import LicenseMiddleware as AsgiMiddleware
from licentia.fastapi import licensed
from licentia.log import to_logging
from licentia.wsgi import LicenseMiddleware as WsgiMiddleware


def watch(event: licentia.Event) -> None:
    assert_type(event.tier, "tuple[str, int] | None")


async def use(token: str, gate: licentia.Gate) -> None:
    request = licentia.Request(features=["export"], meters={"calls": 1}, rates="api")
    decision = gate.check(token, request, now=datetime.now(timezone.utc))
    assert_type(decision, licentia.Decision)
    assert_type(decision.retry_after, "float | None")
    assert_type(await gate.check_async(memoryview(b""), meters="calls"), licentia.Decision)
    with gate.reserve(token, meters={"calls": 5}) as reservation:
        assert_type(reservation.decision, licentia.Decision)
        reservation.commit({"calls": 1})
    async_reservation = await gate.reserve_async(token, meters="calls")
    assert_type(async_reservation, licentia.Reservation)
    with gate.check_out(token, "ada", 60) as seat, licentia.Refiller(gate, 1.0), licentia.Watch(gate, "revoked") as watch:
        assert_type(seat.until, "datetime | None")
        assert_type(watch, licentia.Watch)
    if decision.license is not None:
        assert_type(decision.license.expires, datetime)
    gate.check(token, feature="export")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    gate.check(token, now="noon")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    decision.allowed = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def make() -> None:
    gate = licentia.Gate("licpub1_", store="memory:", on_event=[watch, to_logging()], mode="advisory")
    issuer = licentia.Issuer("acme", licentia.SigningKey.generate())
    assert_type(issuer.issue("a", "pro", expires=2_000_000_000, quotas={"calls": "10/day"}), str)
    policy = {"store_unreachable": "allow"}
    issuer.issue("a", "pro", expires=2_000_000_000, features={"beta": {"value": True}}, policy=policy)
    issuer.issue("a", "pro", colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    licentia.verify("", issuer.key, meters="calls")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    licensed(feature="export", meter="calls", gate=gate)
    AsgiMiddleware(AsgiMiddleware(None, gate), gate)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    WsgiMiddleware(lambda environ, start: [b""], gate, exempt=["/health"])
