"""Gates, decisions, requests and licences, as a program of Python's sees them."""

from __future__ import annotations

import array
import asyncio
import copy
import gc
import inspect
import logging
import pickle
import pydoc
import sys
import threading
import time
import weakref
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from shared import NOW, vectors

import licentia
import licentia.asgi
import licentia.log


def test_verify_is_one_line(token: str, issuer: licentia.Issuer) -> None:
    decision = licentia.verify(token, str(issuer.key), now=NOW)
    assert decision
    assert decision.allowed
    assert (decision.code, decision.name, decision.state, decision.warning) == (0, "allowed", "active", None)
    assert repr(decision) == "<Decision allowed: 0 allowed>"
    assert decision.raise_for_denied() is decision


def test_a_licence_tells_what_was_bought(token: str, gate: licentia.Gate) -> None:
    license = gate.check(token, now=NOW).license
    assert license is not None
    assert (license.issuer, license.subject) == ("acme", "cus_42")
    assert (license.tier, license.tier_version, license.kind, license.seats) == ("pro", 3, "paid", None)
    assert license.expires == datetime.fromtimestamp(NOW + 31_536_000, timezone.utc)
    assert license.issued_at == datetime.fromtimestamp(NOW - 1000, timezone.utc)
    assert license.expires.utcoffset() == timedelta(0)
    assert (license.not_before, license.term_end, license.maintained_until) == (None, None, None)
    assert set(license.features) == {"export", "rows", "support"}
    assert set(license.quotas) == {"calls"}
    assert set(license.rates) == {"api"}
    assert license.meta == {"order": "1234"}
    assert (license.audiences, license.node_locks, license.index) == ((), (), None)
    assert license.id == license.lineage
    assert len(bytes.fromhex(license.id)) == 16
    assert license.to_dict()["sub"] == "cus_42"
    assert repr(license) == '<License of "cus_42", tier pro@3>'


def test_a_licence_outlives_its_decision_and_gate(token: str, issuer: licentia.Issuer) -> None:
    license = licentia.verify(token, issuer.key, now=NOW).license
    assert license is not None
    assert license.subject == "cus_42"


def test_no_is_a_decision(token: str, gate: licentia.Gate) -> None:
    decision = gate.check(token, features=["export", "gold"], now=NOW)
    assert not decision
    assert (decision.code, decision.name, decision.http_status) == (410, "feature_not_licensed", 403)
    assert dict(decision.http_headers)["www-authenticate"].startswith("Bearer error=")
    assert decision.problem["type"] == "urn:licentia:code:feature_not_licensed"
    assert decision.message
    assert decision.advice
    assert decision.license is not None
    assert decision.checks[-1]["result"] == "feature_not_licensed"
    assert decision.to_dict()["allowed"] is False
    with pytest.raises(licentia.DeniedError, match="410 feature_not_licensed") as caught:
        decision.raise_for_denied()
    assert caught.value.decision is decision
    assert isinstance(caught.value, licentia.LicentiaError)


@pytest.mark.parametrize("token", ["", None, "lic1_", "lic1_\ud800", "é", b"", b"\x00", "x" * 100_000, b"x" * 100_000])
def test_what_is_no_token_is_denied(gate: licentia.Gate, token: str | bytes | None) -> None:
    decision = gate.check(token, now=NOW)
    assert not decision
    assert 100 <= decision.code < 200
    assert decision.license is None
    assert decision.http_status == 401


def test_quotas_are_charged_all_or_none(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(issuer.key)
    for left in range(9, -1, -1):
        decision = gate.check(token, meters={"calls": 1}, rates="api", now=licentia.Now(NOW, 0))
        assert decision
        charge = decision.charge("calls")
        assert charge is not None
        assert (charge.remaining, charge.limit, charge.cost, charge.unit) == (left, 10, 1, "quota")
        assert (charge.window, charge.reset_after, charge.retry_after) == (None, None, None)
    # A rate is taken back where the quota denies: the eleventh call finds as much as the tenth left.
    denied = gate.check(token, meters="calls", rates="api", now=licentia.Now(NOW, 10**9))
    assert (denied.code, denied.name, denied.http_status) == (610, "quota_exceeded", 429)
    assert [charge.name for charge in denied.charges] == ["api", "calls"]
    peek = gate.check(token, meters={"calls": 0}, now=NOW)
    assert peek
    assert peek.charges[0].remaining == 0
    assert peek.charge("api") is None


def test_work_is_charged_when_it_is_done(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(issuer.key)

    def left() -> int:
        return gate.check(token, meters={"calls": 0}, now=NOW).charges[0].remaining

    reservation = gate.reserve(token, meters={"calls": 6}, now=NOW)
    assert reservation
    assert reservation.decision.code == 0
    assert (reservation.reserved("calls"), reservation.reserved("mails"), left()) == (6, None, 4)
    reservation.commit({"calls": 2})
    assert (reservation.reserved("calls"), left()) == (None, 8)
    with pytest.raises(licentia.InvalidArgumentError, match="before"):
        reservation.commit()
    with pytest.raises(RuntimeError, match="broke"), gate.reserve(token, meters={"calls": 8}, now=NOW):
        assert left() == 0
        raise RuntimeError("broke")
    assert left() == 8
    with gate.reserve(token, meters={"calls": 8}, now=NOW) as reservation:
        reservation.commit({"calls": 1})
    assert left() == 7
    with gate.reserve(token, meters={"calls": 9}, now=NOW) as denied:
        assert not denied
        assert (denied.decision.name, denied.reserved("calls")) == ("quota_exceeded", None)
        with pytest.raises(licentia.InvalidArgumentError, match="denied"):
            denied.commit()
    advisory = licentia.Gate(issuer.key, mode="advisory").reserve(token, meters={"calls": 99}, now=NOW)
    assert advisory
    advisory.commit({"calls": 1})
    gate.settle()
    assert left() == 7


def test_seats_are_taken_and_given_back(issuer: licentia.Issuer) -> None:
    token = issuer.issue("a", "pro", issued_at=NOW, expires=NOW + 1000, seats=1, quotas={"calls": "5/day"})
    gate = licentia.Gate(issuer.key)
    with gate.check_out(token, "ada", 300, now=NOW) as seat:
        assert seat
        assert seat.until == datetime.fromtimestamp(NOW + 300, timezone.utc)
        assert (seat.holder, seat.decision.charges[0].unit) == ("ada", "seat")
        taken = gate.check_out(token, "bob", 300, now=NOW, meters="calls")
        assert not taken
        assert (taken.decision.name, taken.decision.http_status, taken.until) == ("seats_taken", 429, None)
        assert seat.heartbeat(now=NOW + 200)
        assert seat.until == datetime.fromtimestamp(NOW + 500, timezone.utc)
        taken.release()
    assert seat.until is None
    seat.release()
    assert gate.check_out(token, "bob", 300, now=NOW + 200)
    assert seat.heartbeat(now=NOW + 200).name == "seats_taken"
    assert gate.check_out(token, "ada", 300, now=NOW + 501)
    with pytest.raises(licentia.InvalidArgumentError):
        gate.check_out(token, "ada", -1, now=NOW)


def test_a_job_is_charged_once(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(issuer.key)
    for _ in range(3):
        assert gate.check(token, meters={"calls": 4}, job="report-7", now=NOW).charges[0].remaining == 6
    assert gate.check(token, meters={"calls": 4}, job="report-8", now=NOW).charges[0].remaining == 2


def test_rates_say_when_to_come_back(token: str, issuer: licentia.Issuer) -> None:
    gate, now = licentia.Gate(issuer.key), licentia.Now(NOW, 0)
    assert gate.check(token, rates={"api": 10}, now=now)
    denied = gate.check(token, rates={"api": 5}, now=now)
    assert (denied.name, denied.http_status) == ("rate_limited", 429)
    assert denied.retry_after == 0.5
    assert dict(denied.http_headers)["retry-after"] == "1"
    assert "ratelimit" in dict(denied.http_headers)


def test_times_have_a_zone(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(issuer.key)
    for zone in (timezone.utc, timezone(timedelta(hours=5, minutes=30))):
        assert gate.check(token, now=datetime.fromtimestamp(NOW, zone))
    ended = datetime.fromtimestamp(NOW, timezone.utc) + timedelta(days=400)
    assert gate.check(token, now=ended).name == "expired"
    with pytest.raises(licentia.InvalidArgumentError, match="time zone"):
        gate.check(token, now=datetime(2027, 1, 1))  # noqa: DTZ001
    for bad in (-1, 1 << 60, 1 << 70, datetime(1969, 1, 1, tzinfo=timezone.utc)):
        with pytest.raises(licentia.InvalidArgumentError, match="2\\^53"):
            gate.check(token, now=bad)
    for wrong in ("2027-01-01", 1.5, True, b""):
        with pytest.raises(TypeError):
            gate.check(token, now=wrong)  # type: ignore[arg-type]


def test_a_time_in_the_future_does_not_spend_the_rates_of_today(issuer: licentia.Issuer) -> None:
    today = datetime.now(timezone.utc)
    token = issuer.issue("a", "pro", expires=today + timedelta(days=400), rates={"api": "3/1h"})
    gate = licentia.Gate(issuer.key)
    assert gate.check(token, rates="api")
    assert gate.check(token, rates="api", now=today + timedelta(days=300))
    assert gate.check(token, rates="api")
    assert gate.check(token, rates="api").name == "rate_limited"


def test_time_is_the_systems_where_nobody_says(issuer: licentia.Issuer) -> None:
    soon = datetime.now(timezone.utc) + timedelta(minutes=5)
    assert licentia.verify(issuer.issue("a", "pro", expires=soon), issuer.key)
    past = datetime.now(timezone.utc) - timedelta(minutes=5)
    old = issuer.issue("a", "pro", issued_at=past - timedelta(days=1), expires=past)
    assert licentia.verify(old, issuer.key).name == "expired"


def test_tokens_are_texts_or_any_buffer(token: str, gate: licentia.Gate) -> None:
    data = licentia.decode_token(token)
    for form in (data, bytearray(data), memoryview(data), array.array("B", data), memoryview(data + b"x")[:-1]):
        assert gate.check(form, now=NOW)
    assert licentia.encode_token(data) == token
    # Bytes are the token's own: its text is a str.
    assert gate.check(token.encode(), now=NOW).name == "malformed_frame"
    for wrong in (7, 1.5, [1, 2], object()):
        with pytest.raises(TypeError):
            gate.check(wrong, now=NOW)  # type: ignore[arg-type]


def test_requests_are_made_once(token: str, gate: licentia.Gate) -> None:
    request = licentia.Request(features="export", rates={"api": 1})
    assert gate.check(token, request, now=NOW)
    other = request.replace(features=["gold"])
    assert gate.check(token, other, now=NOW).name == "feature_not_licensed"
    assert gate.check(token, request, now=NOW)
    if sys.version_info >= (3, 13):
        assert gate.check(token, copy.replace(request, features=None), now=NOW)
    with pytest.raises(TypeError, match="not both"):
        gate.check(token, request, features="export")
    with pytest.raises(TypeError, match="feature"):
        gate.check(token, feature="export")  # type: ignore[call-arg]
    for wrong in ({"features": 7}, {"meters": ["calls"]}, {"meters": {"calls": "1"}}, {"meters": {1: 1}}):
        with pytest.raises((TypeError, ValueError)):
            licentia.Request(**wrong)  # type: ignore[arg-type]
    for bad in ({"meters": {"calls": -1}}, {"meters": {"calls": 1 << 64}}, {"node": b"short"}):
        with pytest.raises(licentia.InvalidArgumentError):
            licentia.Request(**bad)  # type: ignore[arg-type]


def test_verify_charges_nothing(token: str, issuer: licentia.Issuer) -> None:
    for needs in ({"meters": "calls"}, {"rates": "api"}, {"job": "a"}):
        with pytest.raises(TypeError, match="unexpected keyword"):
            licentia.verify(token, issuer.key, now=NOW, **needs)  # type: ignore[call-overload]
    assert licentia.verify(token, issuer.key, features="gold", now=NOW).name == "feature_not_licensed"


@pytest.mark.parametrize("name", ["skew", "proof_age", "replay_capacity", "cache_capacity", "prepare_keys"])
def test_numbers_out_of_range_are_told(name: str, issuer: licentia.Issuer) -> None:
    for bad in (-1, 1 << 64, 1 << 200):
        with pytest.raises(licentia.InvalidArgumentError):
            licentia.Gate(issuer.key, **{name: bad})  # type: ignore[arg-type]
    for wrong in (1.5, "60", True):
        with pytest.raises(TypeError):
            licentia.Gate(issuer.key, **{name: wrong})  # type: ignore[arg-type]


def test_classes_are_frozen(token: str, gate: licentia.Gate) -> None:
    decision = gate.check(token, now=NOW)
    for thing, name in ((decision, "allowed"), (decision.license, "subject"), (gate, "may_block")):
        with pytest.raises(AttributeError):
            setattr(thing, name, True)
    with pytest.raises(TypeError):
        licentia.Decision()  # type: ignore[call-arg]


def test_mistakes_are_errors(issuer: licentia.Issuer) -> None:
    for arguments in ({}, {"keys": []}, {"keys": "licpub1_x"}, {"keys": str(issuer.key), "mode": "lax"}):
        with pytest.raises(licentia.LicentiaError) as caught:
            licentia.Gate(**arguments)  # type: ignore[arg-type]
        assert caught.value.code >= 800
        assert caught.value.name in str(caught.value)
        assert isinstance(caught.value, ValueError)
    with pytest.raises(licentia.InvalidArgumentError, match="memory:") as caught:
        licentia.Store("ftp://user:secret@host/")
    assert "secret" not in str(caught.value)
    with pytest.raises(TypeError):
        licentia.Gate(issuer.key, store=7)  # type: ignore[arg-type]
    with pytest.raises(licentia.RejectedError) as rejected:
        licentia.Keyset(b"no", issuer.key)
    assert 100 <= rejected.value.code < 200


def test_errors_tell_the_same_wherever_they_go(token: str, gate: licentia.Gate, tmp_path: Path) -> None:
    def caught(work: Callable[[], object]) -> licentia.LicentiaError:
        with pytest.raises(licentia.LicentiaError) as error:
            work()
        return error.value

    denied = caught(lambda: gate.check(token, features="gold", now=NOW).raise_for_denied())
    unreachable = caught(lambda: licentia.Store(f"sqlite:///{tmp_path}/missing/usage.db"))
    errors = [
        denied,
        unreachable,
        caught(lambda: licentia.Key("licpub1_x")),
        caught(lambda: gate.check(token, now=-1)),
        caught(lambda: licentia.Keyset(b"no", licentia.SigningKey.generate().public)),
    ]
    for error in errors:
        assert error.advice
        assert str(error).startswith(f"{error.code} {error.name}: {error.message}")
        for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            assert type(other) is type(error)
            assert str(other) == str(error)
            attributes = [(one.code, one.name, one.message, one.advice) for one in (other, error)]
            assert attributes[0] == attributes[1]
    assert isinstance(unreachable, OSError)
    assert (unreachable.errno, unreachable.filename, unreachable.strerror) == (None, None, None)
    assert isinstance(denied, licentia.DeniedError)
    assert copy.copy(denied).decision is copy.deepcopy(denied).decision is denied.decision
    assert not hasattr(pickle.loads(pickle.dumps(denied)), "decision")


def test_an_advisory_gate_only_says_so(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(issuer.key, mode="advisory")
    decision = gate.check(token, features="gold", now=NOW)
    assert decision
    assert (decision.name, decision.state, decision.http_status) == ("feature_not_licensed", "advisory", 200)


def test_a_licence_is_for_an_audience_a_machine_and_a_holder(issuer: licentia.Issuer) -> None:
    node, holder = bytes(range(32)), licentia.SigningKey.generate().public.public_bytes
    token = issuer.issue(
        "a",
        "pro",
        issued_at=NOW,
        expires=NOW + 10,
        audiences=["one", "two"],
        node_locks=[node],
        holder=holder,
        maintained_until=NOW,
        lineage=b"0123456789abcdef",
        kind="trial",
        seats=5,
        index=7,
    )
    gate = licentia.Gate(issuer.key, audience="two")
    steps = [
        ({"audience": "three"}, "audience_mismatch"),
        ({"node": bytes(32), "release": NOW}, "node_mismatch"),
        ({"node": node, "release": NOW}, "proof_required"),
    ]
    for needs, name in steps:
        assert gate.check(token, now=NOW, **needs).name == name  # type: ignore[arg-type]
    found = licentia.inspect(token)
    assert (found.kind, found.seats, found.index, found.audiences) == ("trial", 5, 7, ("one", "two"))
    assert (found.lineage, found.node_locks) == (b"0123456789abcdef".hex(), (node.hex(),))


def test_keysets_and_bundles_are_read() -> None:
    keysets, bundles, wrong = 0, 0, 0
    for test in (test for group in vectors("gate")["testGroups"] for test in group["tests"] if test["root"]):
        keyset = None
        for step in test["steps"]:
            if step.get("code") == "bundle_wrong_root" and keyset is not None:
                # A whole one tells by itself that it is not what its root says; a delta, when it is merged.
                try:
                    assert licentia.RevocationBundle(bytes.fromhex(step["bundle"]), keyset).base is not None
                except licentia.RejectedError as error:
                    assert error.name == "bundle_wrong_root"  # noqa: PT017
                    wrong += 1
            if step.get("code") != "allowed":
                continue
            if step["do"] == "load":
                keyset = licentia.Keyset(bytes.fromhex(step["keyset"]), test["root"])
                assert bytes(keyset).hex() == step["keyset"]
                assert keyset.expires > keyset.issued_at
                assert all(isinstance(key, licentia.Key) for key in keyset.keys)
                gate = licentia.Gate(root=test["root"], keyset=keyset)
                assert gate.load_keyset(keyset) is False
                keysets += 1
            elif step["do"] == "publish":
                assert keyset is not None
                bundle = licentia.RevocationBundle(bytes.fromhex(step["bundle"]), keyset)
                assert bytes(bundle).hex() == step["bundle"]
                assert bundle.expires >= bundle.next_update >= bundle.issued_at
                assert bundle.issuer
                if bundle.base is None:
                    gate = licentia.Gate(root=test["root"], keyset=keyset, revocation=bundle)
                    assert gate.load_revocation(bytes(bundle)) is False
                else:
                    assert bundle.base < bundle.sequence
                bundles += 1
    assert keysets > 30
    assert bundles > 20
    assert wrong > 0


def test_events_go_to_callables(token: str, issuer: licentia.Issuer) -> None:
    events: list[licentia.Event] = []
    gate = licentia.Gate(issuer.key, on_event=[events.append, events.append])
    gate.check(token, action="GET /exports", source="192.0.2.1", features="export", now=NOW)
    gate.check("no", action="GET /exports", now=NOW)
    assert len(events) == 4
    seen, denied = events[0], events[2]
    assert (seen.allowed, seen.code, seen.name, seen.state, seen.warning) == (True, 0, "allowed", "active", None)
    assert (seen.action, seen.source, seen.subject, seen.tier) == ("GET /exports", "192.0.2.1", "cus_42", ("pro", 3))
    assert (seen.keyset, seen.revocation) == (0, None)
    assert seen.at == datetime.fromtimestamp(NOW, timezone.utc)
    assert seen.took_ns > 0
    assert seen.to_dict()["decision"]["allowed"] is True
    assert (denied.allowed, denied.subject, denied.lineage, denied.tier) == (False, None, None, None)
    assert "lic1_" not in "".join(event.to_json() for event in events)


@pytest.mark.thread_unsafe(reason="sets a hook of the interpreter")
def test_an_observer_that_fails_changes_nothing(
    token: str, issuer: licentia.Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: seen.append(unraisable.exc_value))

    def fail(_event: licentia.Event) -> None:
        raise RuntimeError("full")

    gate = licentia.Gate(issuer.key, on_event=fail)
    assert gate.check(token, now=NOW)
    assert [str(error) for error in seen] == ["full"]


@pytest.mark.thread_unsafe(reason="collects garbage")
def test_a_gate_and_its_observer_may_know_each_other(token: str, issuer: licentia.Issuer) -> None:
    class Service:
        def __init__(self) -> None:
            self.seen = 0
            self.gate = licentia.Gate(issuer.key, on_event=self.see)

        def see(self, _event: licentia.Event) -> None:
            self.seen += 1

    service = Service()
    decision = service.gate.check(token, now=NOW)
    assert service.seen == 1
    gone = weakref.ref(service)
    del service
    gc.collect()
    assert gone() is None
    assert decision.license is not None


@pytest.mark.thread_unsafe(reason="looks at the log of the process")
def test_a_line_of_the_log_stays_one_line(
    token: str, issuer: licentia.Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = licentia.Gate(issuer.key, on_event=licentia.log.to_logging("shop"))
    with caplog.at_level(logging.INFO, "shop"):
        gate.check(token, action="GET /a\nINFO:shop:allowed\x1b[2K\u2028\u202e é", now=NOW)
    assert caplog.messages == [r"allowed 0 allowed: GET /a\nINFO:shop:allowed\x1b[2K\u2028\u202e é of cus_42"]


@pytest.mark.thread_unsafe(reason="looks at the log of the process")
def test_events_go_to_logging(
    token: str, issuer: licentia.Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    gate = licentia.Gate(issuer.key, on_event=licentia.log.to_logging("shop"))
    with caplog.at_level(logging.INFO, "shop"):
        gate.check(token, action="GET /", now=NOW)
        gate.check("lic1_no", now=NOW)
    assert [(record.levelname, record.name) for record in caplog.records] == [("INFO", "shop"), ("WARNING", "shop")]
    assert caplog.messages[0] == "allowed 0 allowed: GET / of cus_42"
    assert caplog.records[0].event.subject == "cus_42"  # type: ignore[attr-defined]


def test_asyncio(token: str, issuer: licentia.Issuer) -> None:
    gate = licentia.Gate(issuer.key)
    async def ask() -> list[licentia.Decision]:
        return await asyncio.gather(*(gate.check_async(token, meters="calls", now=NOW) for _ in range(20)))

    assert sum(map(bool, asyncio.run(ask()))) == 10

    async def reserve() -> int | None:
        with await gate.reserve_async(token, meters={"calls": 0}, now=NOW) as reservation:
            return reservation.reserved("calls")

    assert asyncio.run(reserve()) == 0


def test_a_forgotten_await_allows_nothing(token: str, issuer: licentia.Issuer) -> None:
    async def ask() -> None:
        gate = licentia.Gate(issuer.key)
        scope = {"headers": [], "path": "/", "method": "GET"}
        for make in (
            lambda: gate.check_async("lic1_no", features="export", now=NOW),
            lambda: gate.reserve_async("lic1_no", meters="calls", now=NOW),
            lambda: licentia.asgi.check(gate, scope, licentia.Request()),
        ):
            for use in (bool, lambda pending: not pending, lambda pending: pending and True, lambda pending: pending or 1):
                with pytest.raises(TypeError, match="await"):
                    use(make())
            # It is a coroutine in every other way.
            pending = make()
            assert inspect.isawaitable(pending)
            assert not await pending
            assert not await asyncio.create_task(make())
            assert not await asyncio.wait_for(make(), 10)
            assert [bool(one) for one in await asyncio.gather(make(), make())] == [False, False]
            with pytest.raises(TypeError):
                await asyncio.create_task(gate.check_async(5, now=NOW))  # type: ignore[arg-type]
        assert await gate.check_async(token, now=NOW)

    asyncio.run(ask())


def test_threads_share_a_quota_exactly(issuer: licentia.Issuer) -> None:
    token = issuer.issue("a", "pro", issued_at=NOW, expires=NOW + 10, quotas={"calls": "1000/lifetime"})
    gate, granted, barrier = licentia.Gate(issuer.key), [0] * 8, threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for _ in range(200):
            granted[number] += bool(gate.check(token, meters="calls", now=NOW))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 1000


@pytest.mark.thread_unsafe(reason="sets the interpreter's switch interval")
def test_cold_checks_let_other_threads_run(issuer: licentia.Issuer) -> None:
    """A thread that counts goes on while another one verifies signatures."""
    token = issuer.issue("a", "pro", issued_at=NOW, expires=NOW + 10)
    gate, stop, counted = licentia.Gate(issuer.key, cache_capacity=0), threading.Event(), [0]

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = threading.Thread(target=count)
    try:
        thread.start()
        # With such an interval, nobody gives the interpreter up unless by its own will.
        start = counted[0]
        for _ in range(200):
            gate.check(token, now=NOW)
        ran = counted[0] - start
    finally:
        sys.setswitchinterval(before)
        stop.set()
        thread.join()
    assert ran > 0


def test_help_reads_well() -> None:
    for name in licentia.__all__:
        thing = getattr(licentia, name)
        if name == "__version__":
            continue
        assert thing.__doc__, name
        shown = pydoc.plain(pydoc.render_doc(thing))
        for member in dir(thing) if isinstance(thing, type) else ():
            if member.startswith("_") or hasattr(Exception, member) or hasattr(OSError, member):
                continue
            value = getattr(thing, member)
            assert value.__doc__, f"{name}.{member}"
            first = value.__doc__.splitlines()[0]
            assert first in shown, f"{name}.{member}"
            if callable(value):
                # No default is hidden.
                defaults = [parameter.default for parameter in inspect.signature(value).parameters.values()]
                assert Ellipsis not in defaults, f"{name}.{member}"
    whole = pydoc.plain(pydoc.render_doc(licentia))
    assert all(name in whole for name in licentia.__all__ if name != "__version__")
