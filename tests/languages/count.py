"""Charges a meter so many times, and says how often it was granted: URL KEY TOKEN AUDIENCE METER TIMES.

It says `ready` first, and waits for a line.
"""

import sys

import licentia

url, key, token, audience, meter, times = sys.argv[1:]
gate = licentia.Gate(key, store=url, audience=audience)
print("ready", flush=True)
sys.stdin.readline()
print(sum(gate.check(token, meters={meter: 1}).allowed for _ in range(int(times))))
