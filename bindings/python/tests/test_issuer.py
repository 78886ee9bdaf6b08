"""The vendor's side."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType

import pytest
from shared import NOW

import licentia

CATALOGUE = """
[[tier]]
name = "pro"
version = 2
retired = true
term = "1 month"

[[tier]]
name = "pro"
version = 3
term = "1 year"
grace = "14 days"
features = { export = true, rows = 100000 }
quotas = { calls = "100000/month" }
rates = { api = "10/1s" }
"""


def test_a_catalogue_says_what_a_tier_grants(issuer: licentia.Issuer, tmp_path: Path) -> None:
    file = tmp_path / "tiers.toml"
    file.write_text(CATALOGUE)
    catalogue = licentia.Catalogue.load(file)
    assert catalogue.tiers == licentia.Catalogue(CATALOGUE).tiers == [("pro", 2, False), ("pro", 3, True)]
    start = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
    token = issuer.issue("cus_42", "pro", catalogue=catalogue, issued_at=start, features={"beta": "yes"})
    license = licentia.verify(token, issuer.key, now=start).license
    assert license is not None
    assert license.tier_version == 3
    assert license.term_end == start.replace(year=2028)
    assert license.expires == start.replace(year=2028) + timedelta(days=14)
    assert set(license.features) == {"export", "rows", "beta"}
    later = license.term_end + timedelta(days=1)
    assert licentia.verify(token, issuer.key, now=later).state == "grace"
    old = licentia.inspect(issuer.issue("cus_42", "pro", catalogue=catalogue, version=2, issued_at=start))
    assert old.tier_version == 2
    with pytest.raises(licentia.InvalidArgumentError, match="pro@3"):
        issuer.issue("cus_42", "gold", catalogue=catalogue)
    with pytest.raises(licentia.InvalidArgumentError, match="line 1"):
        licentia.Catalogue("nonsense")
    with pytest.raises(licentia.StoreError):
        licentia.Catalogue.load(tmp_path / "missing.toml")


def test_terms_are_any_mappings_in_the_forms_of_a_catalogue(issuer: licentia.Issuer) -> None:
    when = datetime(2027, 1, 20, tzinfo=timezone.utc)
    token = issuer.issue(
        "cus_42",
        "pro",
        issued_at=NOW,
        expires=NOW + 31_536_000,
        features=MappingProxyType({"beta": {"value": "gold", "expires": when}, "export": True}),
        quotas={"calls": {"limit": 2, "per": "month", "overage": 3}},
        rates={"api": {"count": 10, "per": "1s", "burst": 20}},
        policy={
            "store_unreachable": {"warn": "1 hour"},
            "stale_revocation": "allow",
            "max_revocation_age": "7 days",
        },
        meta=MappingProxyType({"order": "1234"}),
    )
    claims = licentia.inspect(token)
    assert claims.features["beta"] == {"value": "gold", "expires": int(when.timestamp())}
    assert claims.rates["api"] == {"count": 10, "per_ms": 1000, "burst": 20}
    assert claims.meta == {"order": "1234"}
    assert claims.to_dict()["policy"]["max_revocation_age"] == 604_800
    gate = licentia.Gate(issuer.key)
    assert gate.check(token, features="beta", now=NOW)
    assert gate.check(token, features="beta", now=when).name == "feature_expired"
    states = [gate.check(token, meters="calls", now=when).state for _ in range(3)]
    assert states == ["active", "active", "overage"]
    assert not gate.check(token, meters="calls", now=when)


def test_keys_are_kept_in_files(tmp_path: Path) -> None:
    key, file = licentia.SigningKey.generate(), tmp_path / "key.pem"
    key.save(file, "pass phrase")
    assert licentia.SigningKey.load(file, "pass phrase").public == key.public
    with pytest.raises(licentia.LicentiaError):
        licentia.SigningKey.load(file)
    with pytest.raises(licentia.StoreError):
        key.save(file)
    assert "PRIVATE" not in repr(key)
    with pytest.raises(licentia.InvalidArgumentError):
        licentia.SigningKey.from_seed(b"short")


def test_mistakes_are_named(issuer: licentia.Issuer) -> None:
    end = NOW + 10
    bad = [
        ({}, "expires"),
        ({"expires": end, "features": {"Export": True}}, "a-z"),
        ({"expires": end, "features": {"export": False}}, "a feature is `true`"),
        ({"expires": end, "quotas": {"calls": "many"}}, "LIMIT/PERIOD"),
        ({"expires": end, "rates": {"api": "10"}}, "COUNT/DURATION"),
        ({"expires": end, "kind": "free"}, "trial"),
        ({"expires": NOW}, "end after"),
    ]
    for terms, match in bad:
        with pytest.raises(licentia.InvalidArgumentError, match=match):
            issuer.issue("a", "pro", issued_at=NOW, **terms)  # type: ignore[arg-type]
    with pytest.raises(licentia.RejectedError):
        issuer.issue("", "pro", issued_at=NOW, expires=end)
    for bad in ({"seats": -1}, {"version": 1 << 64}, {"index": 1 << 200}, {"features": {"rows": 1 << 63}}):
        with pytest.raises(licentia.InvalidArgumentError):
            issuer.issue("a", "pro", issued_at=NOW, expires=end, **bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="colour"):
        issuer.issue("a", "pro", expires=end, colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        issuer.issue("a", "pro", expires=end, features={"x": 1.5})  # type: ignore[dict-item]
