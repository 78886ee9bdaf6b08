"""A child after a fork uses nothing that is its parent's, and waits for nobody whom it does not have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import licentia

pytestmark = [
    pytest.mark.thread_unsafe(reason="starts programs"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
]

LIMIT = 20_000
# What every program below begins with. `left` asks as somebody else would, who has taken nothing ahead.
START = """
import os, sys, threading, time, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)
import licentia
_, key, path, token = sys.argv
store = f"sqlite:///{path}"
gate = licentia.Gate(key, store=store)

def left():
    return licentia.Gate(key, store=store).check(token, meters={"calls": 0}).charge("calls").remaining

def ask(gate, count):
    return sum(bool(gate.check(token, meters="calls")) for _ in range(count))

def ahead(gate, spent):
    assert ask(gate, spent) == spent
    assert LIMIT - left() - spent > 0, "nothing was taken ahead, so that this would prove nothing"

def everything(gate):
    granted = 0
    while found := ask(gate, 500):
        granted += found
    return granted

def in_child(work):
    child = os.fork()
    if child == 0:
        try:
            os.write(1, f"{work() or 0} ".encode())
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child

def wait_for(child):
    assert os.waitpid(child, 0)[1] == 0
"""


def run(
    program: str, issuer: licentia.Issuer, folder: Path, *, hooks: bool = True, seconds: int = 60
) -> list[int]:
    """Runs a program, and gives the numbers that it wrote."""
    end = 4_000_000_000
    token = issuer.issue("cus_42", "pro", expires=end, quotas={"calls": f"{LIMIT}/lifetime"})
    start = START.replace("LIMIT", str(LIMIT))
    if not hooks:
        start = start.replace("import licentia\n", "os.register_at_fork = lambda **_: None\nimport licentia\n")
    arguments = [str(issuer.key), f"{folder}/usage.db", token]
    command = [sys.executable, "-c", start + program, *arguments]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with started:
        try:
            output, errors = started.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            # The children too.
            os.killpg(started.pid, signal.SIGKILL)
            raise
    assert started.returncode == 0, errors
    return [int(number) for number in output.split()]


# Holds the file of a store for a moment. In the same process, SQLite's locks of two builds of it do not meet.
HOLDER = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("!", end="", flush=True)
time.sleep(1)
held.execute("COMMIT")
"""


SHARED = """
ahead(gate, 50)
children = [in_child(lambda: everything(gate)) for _ in range(2)]
granted = everything(gate)
for child in children:
    wait_for(child)
print(50 + granted, left())
"""


def test_every_unit_is_granted_once(issuer: licentia.Issuer, tmp_path: Path) -> None:
    # Each asks until it is denied, so that nobody holds anything back.
    *numbers, left = run(SHARED, issuer, tmp_path)
    assert len(numbers) == 3
    assert (sum(numbers), left) == (LIMIT, 0)


def test_without_the_hooks_it_would_not_be(issuer: licentia.Issuer, tmp_path: Path) -> None:
    # A child that uses what its parent has fetched ahead, or waits for a lock of a thread that it does not have.
    try:
        *numbers, _ = run(SHARED, issuer, tmp_path, hooks=False, seconds=15)
    except subprocess.TimeoutExpired:
        return
    assert sum(numbers) > LIMIT


def test_whatever_keeps_a_gate_alive(issuer: licentia.Issuer, tmp_path: Path) -> None:
    program = """
class Own(licentia.Gate):
    def __init__(self, *arguments, **named):
        self.name = "a subclass that calls nobody"
own = Own(key, store=store)
ahead(own, 50)
granted = 50
kept = []
for _ in range(2):
    other = licentia.Gate(key, store=store)
    granted += ask(other, 50)
    kept.append(other.check(token, meters="calls"))
    granted += 1
    del other
child = in_child(lambda: (kept.clear(), everything(own))[1])
wait_for(child)
# What nobody uses goes back.
time.sleep(2)
print(granted + everything(own), left())
"""
    first, second, left = run(program, issuer, tmp_path)
    assert (first + second, left) == (LIMIT, 0)


@pytest.mark.parametrize("job", [None, "report-7"])
def test_a_reservation_stays_the_parents(job: str | None, issuer: licentia.Issuer, tmp_path: Path) -> None:
    program = f"""
def lose():
    reservation.cancel()
    assert reservation.reserved("calls") is None
    try:
        reservation.commit({{"calls": 1}})
    except licentia.InvalidArgumentError:
        return everything(gate)
reservation = gate.reserve(token, meters={{"calls": 600}}, job={job!r})
wait_for(in_child(lose))
reservation.commit({{"calls": 200}})
print(everything(gate), left())
"""
    in_child, in_parent, left = run(program, issuer, tmp_path)
    assert (in_child, in_parent, left) == (LIMIT - 600, 400, 0)


def test_receipts_stay_the_parents(issuer: licentia.Issuer, tmp_path: Path) -> None:
    program = """
licentia.SigningKey.generate().save(f"{path}.pem")
receipts = licentia.Receipts(f"{path}.log", open(f"{path}.pem").read())
gate = licentia.Gate(key, store=store, receipts=receipts)

def write():
    ask(gate, 5)
    for method in (receipts.write, receipts.unacknowledged):
        try:
            method()
        except licentia.StoreError as error:
            assert "open one for each process" in str(error), error
        else:
            raise AssertionError("the child wrote into its parent's log")

ask(gate, 3)
wait_for(in_child(write))
written = receipts.write()
print(len(written), licentia.audit(written)["usage"][0]["total"])
"""
    assert run(program, issuer, tmp_path) == [0, 1, 3]


def test_a_child_waits_for_no_thread_that_it_does_not_have(issuer: licentia.Issuer, tmp_path: Path) -> None:
    """A thread waits for the store while another one forks: the child must not find its locks taken."""
    program = """
assert ask(gate, 1) == 1
holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE)
assert holder.stdout.read(1) == b"!"
stuck = threading.Thread(target=lambda: gate.check(token, meters={"calls": 5000}))
stuck.start()
time.sleep(0.3)
assert stuck.is_alive(), "the store was not waited for, so that this would prove nothing"
child = in_child(lambda: (ask(gate, 10), gate.settle())[0])
for _ in range(200):
    found, status = os.waitpid(child, os.WNOHANG)
    if found:
        break
    time.sleep(0.1)
else:
    os.kill(child, 9)
    raise SystemExit("the child waits for ever")
assert status == 0
stuck.join()
gate.settle()
holder.communicate()
print(left())
"""
    program = f"import subprocess\nHOLDER = {HOLDER!r}\n{program}"
    assert run(program, issuer, tmp_path) == [10, LIMIT - 5011]


def test_forks_and_checks_go_on_beside_each_other(issuer: licentia.Issuer, tmp_path: Path) -> None:
    """Threads ask while one forks again and again; an observer asks, and forks, in the middle of a decision."""
    program = """
deadline, asked = time.monotonic() + 3, 0

def seen(event):
    global asked
    if event.action == "nested":
        return
    watched.check(token, action="nested", meters={"calls": 0})
    asked += 1
    if asked == 5:
        wait_for(in_child(lambda: None))

watched = licentia.Gate(key, store=store, on_event=seen)

def work():
    while time.monotonic() < deadline:
        watched.check(token, meters={"calls": 0}, action="outer")

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
forks = 0
while time.monotonic() < deadline or asked < 6:
    wait_for(in_child(lambda: watched.check(token, meters={"calls": 0}).allowed - 1))
    forks += 1
for thread in threads:
    thread.join()
print(forks)
"""
    *zeros, forks = run(program, issuer, tmp_path)
    assert forks > 3
    assert set(zeros) <= {0}
