"""The independent reader and the Rust implementation give the same verdicts on random cases."""

import json
import time

import pytest

from cases import gates, licenses, receipts
from compare import PROGRAM, cases, compare

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="LICENTIA_VERDICTS names no program")

# How many of each kind, and how many codes there must at least be among the verdicts, so that cases are not all alike.
KINDS = [
    (licenses.text_case, 1000, 3),
    (licenses.key_case, 1500, 2),
    (licenses.inspect_case, 2000, 15),
    (licenses.license_case, 4000, 30),
    (gates.keyset_case, 1200, 20),
    (gates.bundle_case, 1200, 12),
    (receipts.receipt_case, 2000, 3),
    (receipts.acknowledgement_case, 1500, 4),
]


@pytest.mark.parametrize(("make", "count", "codes"), KINDS, ids=[make.__name__ for make, _, _ in KINDS])
def test_verdicts(make, count, codes, capsys):
    started = time.time()
    wrong, found = compare(cases(make, count))
    with capsys.disabled():
        total, took = sum(found.values()), time.time() - started
        allowed, kinds = found["allowed"], len(found)
        print(f"\n{make.__name__}: {total} verdicts, {allowed} allowed, {kinds} codes, {took:.1f} s")
    shown = "\n".join(f"{ours} is {theirs} in Rust: {json.dumps(case)}" for case, ours, theirs in wrong[:3])
    assert wrong == [], f"{len(wrong)} differ\n{shown}"
    assert len(found) >= codes
    assert 0.05 < found["allowed"] / total < 0.95
