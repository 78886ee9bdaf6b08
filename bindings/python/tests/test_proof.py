"""Proofs of possession over real HTTP: a stolen licence alone is useless."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2 as httpx
import pytest
from servers import SERVERS, bearer, served

import licentia

pytestmark = pytest.mark.thread_unsafe(reason="starts servers")

ORIGIN = "http://api.test"
HOLDER = licentia.HolderKey.from_seed(bytes(range(1, 33)))
# How each server is told that a proxy has it below a path.
BELOW: dict[str, tuple[list[str], dict[str, str]]] = {
    "fastapi": (["--root-path", "/api"], {}),
    "asgi": (["--root-path", "/api"], {}),
    "flask": ([], {"SCRIPT_NAME": "/api"}),
}


def licence(issuer: licentia.Issuer) -> str:
    end = int(time.time()) + 3600
    granted = {"features": {"export": True}, "quotas": {"calls": "1000/day"}}
    return issuer.issue("cus_42", "pro", expires=end, holder=HOLDER.public, **granted)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=SERVERS)
def address(request: pytest.FixtureRequest, issuer: licentia.Issuer) -> Iterator[str]:
    with served(request.param, issuer.key, "memory:", []) as address:
        yield address


def ask(url: str, token: str, uri: str, *, method: str = "GET", holder: licentia.HolderKey = HOLDER) -> str:
    """Asks with a proof for a URI; gives the name of the refusal, or nothing."""
    proof = holder.prove_text(token, method="GET", uri=uri)
    return said(httpx.request(method, url, headers=bearer(token) | {"licentia-proof": proof}))


def said(answer: httpx.Response) -> str:
    return "" if answer.status_code == 200 else str(answer.json()["name"])


@pytest.mark.parametrize("target", ["/export", "/export?a=b&c=%C3%A9", "/files/caf%C3%A9/%2F%20~"])
def test_the_right_request_goes_on(target: str, address: str, issuer: licentia.Issuer) -> None:
    assert ask(address + target, licence(issuer), ORIGIN + target) == ""


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("/export", "/files/x"),
        ("/export", "/export?a=b"),
        ("/export?a=b", "/export"),
        ("/export?a=b", "/export?a=c"),
        ("/files/caf%C3%A9", "/files/café"),
    ],
)
def test_a_proof_is_for_one_uri(target: str, uri: str, address: str, issuer: licentia.Issuer) -> None:
    assert ask(address + target, licence(issuer), ORIGIN + uri) == "proof_wrong_uri"


def test_a_proof_is_the_holders_and_used_once(address: str, issuer: licentia.Issuer) -> None:
    token, url, uri = licence(issuer), f"{address}/export", f"{ORIGIN}/export"
    assert said(httpx.get(url, headers=bearer(token))) == "proof_required"
    assert ask(url, token, "http://other.test/export") == "proof_wrong_uri"
    assert ask(url, token, uri, holder=licentia.HolderKey.from_seed(bytes(32))) == "proof_bad_signature"
    for nothing in ("", "!", "AAAA"):
        refused = httpx.get(url, headers=bearer(token) | {"licentia-proof": nothing})
        assert (refused.status_code, said(refused)) == (401, "proof_malformed")
    proof = HOLDER.prove_text(token, method="GET", uri=uri)
    answers = [httpx.get(url, headers=bearer(token) | {"licentia-proof": proof}) for _ in range(2)]
    assert [said(answer) for answer in answers] == ["", "proof_replayed"]
    old = HOLDER.prove_text(token, method="GET", uri=uri, now=int(time.time()) - 120)
    assert said(httpx.get(url, headers=bearer(token) | {"licentia-proof": old})) == "proof_stale"


@pytest.mark.parametrize("name", SERVERS)
def test_below_a_path(name: str, issuer: licentia.Issuer) -> None:
    options, environment = BELOW[name]
    # A server of WSGI is sent the whole path; one of ASGI what the proxy left of it.
    sent = "/api" if name == "flask" else ""
    token = licence(issuer)
    with served(name, issuer.key, "memory:", options, root=sent, **environment) as address:
        assert ask(f"{address}{sent}/export?a=b", token, f"{ORIGIN}/api/export?a=b") == ""
        assert ask(f"{address}{sent}/export", token, f"{ORIGIN}/export") == "proof_wrong_uri"


def test_a_holder_proves_for_the_gate(issuer: licentia.Issuer) -> None:
    gate, token, body = licentia.Gate(issuer.key), licence(issuer), bytes(32)
    made = HOLDER.prove(token, method="POST", uri="https://a/b", body_digest=body)
    shown = licentia.Proof(made, method="POST", uri="https://a/b", body_digest=body)
    assert gate.check(token, proof=shown)
    assert gate.check(token, proof=shown).name == "proof_replayed"
    with pytest.raises(licentia.RejectedError):
        HOLDER.prove("lic1_no", method="GET", uri="")
    with pytest.raises(licentia.InvalidArgumentError):
        licentia.HolderKey.from_pem("nonsense")
    with pytest.raises(licentia.InvalidArgumentError):
        licentia.HolderKey.from_seed(b"short")
    assert "HolderKey" in repr(HOLDER)
