"""Receipts: what gates grant is written down, signed, and adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import licentia

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000


def instance(folder: Path, name: str) -> licentia.Receipts:
    key = folder / f"{name}.pem"
    licentia.SigningKey.generate().save(key)
    return licentia.Receipts(folder / f"{name}.log", key.read_text())


def test_what_is_granted_is_written_and_adds_up(tmp_path: Path) -> None:
    issuer = licentia.Issuer("acme", licentia.SigningKey.generate())
    token = issuer.issue("cus_42", "pro", expires=NOW + 1000, issued_at=NOW - 10, quotas={"calls": "100/day"})
    everything: list[bytes] = []
    for name, count in [("one", 3), ("two", 5)]:
        receipts = instance(tmp_path, name)
        gate = licentia.Gate(issuer.key, receipts=receipts)
        assert receipts.write(now=NOW) == []
        for _ in range(count):
            assert gate.check(token, meters={"calls": 2}, now=NOW)
        assert not gate.check(token, meters={"calls": 1000}, now=NOW)
        written = receipts.write(now=NOW)
        assert len(written) == 1
        assert receipts.unacknowledged() == written
        everything += written * 2
        with pytest.raises(licentia.StoreError):
            licentia.Receipts(tmp_path / f"{name}.log", (tmp_path / f"{name}.pem").read_text())
        del gate
    report = licentia.audit(reversed(everything))
    assert report["good"]
    assert not report["findings"]
    assert [usage["total"] for usage in report["usage"]] == [16]
    assert report["usage"][0]["meter"] == "calls"

    forged = bytearray(everything[0])
    forged[-1] ^= 1
    report = licentia.audit([bytes(forged), *everything[2:]])
    assert not report["good"]
    assert [finding["name"] for finding in report["findings"]] == ["receipt_forged"]
    assert [usage["total"] for usage in report["usage"]] == [10]
    report = licentia.audit(everything, instances=[bytes(32)])
    assert {finding["name"] for finding in report["findings"]} == {"receipt_foreign"}


def test_what_is_no_log_no_key_and_no_acknowledgement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(licentia.InvalidArgumentError) as key:
        licentia.Receipts(tmp_path / "a.log", "nonsense")
    assert key.value.name == "invalid_key"
    receipts = instance(tmp_path, "one")
    assert len(receipts.instance) == 32
    with pytest.raises(licentia.RejectedError):
        receipts.acknowledge(b"nonsense", licentia.SigningKey.generate().public)
    with pytest.raises(licentia.LicentiaError):
        licentia.audit([b""], instances=[b"short"])
    (tmp_path / "noise.log").write_bytes(b"x" * 100)
    licentia.SigningKey.generate().save(tmp_path / "noise.pem")
    with pytest.raises(licentia.RejectedError) as log:
        licentia.Receipts(tmp_path / "noise.log", (tmp_path / "noise.pem").read_text())
    assert log.value.name == "receipt_malformed"


def test_what_the_vendor_has_is_acknowledged(tmp_path: Path) -> None:
    vendor = licentia.SigningKey.generate()
    issuer = licentia.Issuer("acme", vendor)
    token = issuer.issue("cus_42", "pro", expires=NOW + 1000, issued_at=NOW - 10, quotas={"calls": "100/day"})
    receipts = instance(tmp_path, "one")
    gate = licentia.Gate(issuer.key, receipts=receipts)
    assert gate.check(token, meters={"calls": 2}, now=NOW)
    [receipt] = receipts.write(now=NOW)
    [event] = licentia.cloud_events(receipt)
    assert (event["specversion"], event["type"], event["data"]["count"]) == ("1.0", "licentia.usage.v1", 2)
    receipts.acknowledge(licentia.acknowledge(receipt, vendor, now=NOW), vendor.public)
    assert receipts.unacknowledged() == []
    assert gate.check(token, meters="calls", now=NOW)
    [second] = receipts.write(now=NOW)
    assert receipts.unacknowledged() == [second]
    assert licentia.audit([receipt, second])["usage"][0]["total"] == 3
    stranger = licentia.SigningKey.generate()
    with pytest.raises(licentia.RejectedError) as refused:
        receipts.acknowledge(licentia.acknowledge(second, stranger), vendor.public)
    assert refused.value.name == "unknown_key"
    for nothing in (licentia.acknowledge, lambda receipt, _key: licentia.cloud_events(receipt)):
        with pytest.raises(licentia.RejectedError):
            nothing(b"nonsense", vendor)  # type: ignore[operator]
