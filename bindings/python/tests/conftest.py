"""What the tests share."""

from __future__ import annotations

from typing import Any

import pytest

from shared import NOW

import licentia

@pytest.fixture(scope="session")
def signing_key() -> licentia.SigningKey:
    return licentia.SigningKey.from_seed(bytes(range(32)))


@pytest.fixture(scope="session")
def issuer(signing_key: licentia.SigningKey) -> licentia.Issuer:
    return licentia.Issuer("acme", signing_key)


@pytest.fixture
def token(issuer: licentia.Issuer) -> str:
    """A licence that most customers have."""
    return issuer.issue(
        "cus_42",
        "pro",
        version=3,
        issued_at=NOW - 1000,
        expires=NOW + 31_536_000,
        features={"export": True, "rows": 100_000, "support": "gold"},
        quotas={"calls": "10/lifetime"},
        rates={"api": "10/1s"},
        meta={"order": "1234"},
    )


@pytest.fixture
def gate(issuer: licentia.Issuer) -> licentia.Gate:
    return licentia.Gate(issuer.key)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tells how many cases of the shared vectors ran. That there are as many as the files say is a test of its own."""
    passed = terminalreporter.stats.get("passed", [])
    for name in ("license", "text", "key", "period", "gate", "nonce", "codes"):
        ran = sum(1 for report in passed if f"test_vectors.py::test_{name}[" in report.nodeid)
        if ran:
            terminalreporter.write_line(f"vectors: {ran} cases of {name}.json")
