"""The vendor's side."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

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
        ({"expires": end, "features": {"export": False}}, "leave out"),
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
    with pytest.raises(TypeError, match="colour"):
        issuer.issue("a", "pro", expires=end, colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        issuer.issue("a", "pro", expires=end, features={"x": 1.5})  # type: ignore[dict-item]
