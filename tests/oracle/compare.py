"""Compares the independent reader with the Rust implementation on random cases.

`LICENTIA_CASES` sets how many are tried of each kind, and `LICENTIA_SEED` the seed that they are made from.
"""

import collections
import json
import os
import random
import subprocess

from verdicts import verdict

PROGRAM = os.environ.get("LICENTIA_VERDICTS")
SEED = os.environ.get("LICENTIA_SEED", "1")


def cases(make, count):
    """Random cases, the same for each seed."""
    count = int(os.environ.get("LICENTIA_CASES", count))
    return [make(random.Random(f"{SEED} {make.__name__} {number}")) for number in range(count)]


def of_rust(found):
    """What the Rust implementation says to each case."""
    lines = "".join(json.dumps(case) + "\n" for case in found)
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(found)
    return verdicts


def compare(found):
    """The cases whose verdicts differ, each with both; and how often each code was given."""
    codes, wrong = collections.Counter(), []
    for case, theirs in zip(found, of_rust(found)):
        # Through JSON, so that arrays and tuples are the same.
        ours = json.loads(json.dumps(verdict(case)))
        codes.update(one[0] for one in (ours if case["case"] == "gate" else [ours]))
        if ours != theirs:
            wrong.append((case, ours, theirs))
    return wrong, codes
