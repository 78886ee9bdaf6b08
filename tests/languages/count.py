"""Charges a meter so many times, and says how often it was granted: URL KEY TOKEN AUDIENCE METER TIMES."""

import sys

import licentia

url, key, token, audience, meter, times = sys.argv[1:]
gate = licentia.Gate(key, store=url, audience=audience)
print(sum(gate.check(token, meters={meter: 1}).allowed for _ in range(int(times))))
