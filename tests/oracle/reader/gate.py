"""A gate, step by step: `docs/gate.md`, and what the format pages say of what is remembered."""

from dataclasses import dataclass

from reader import bundle, claims, cose, keyset, license, period
from reader.refusal import Refusal, require

DAY = 86400
WEEK = 7 * DAY


@dataclass
class Mark:
    """What is remembered of an issuer's bundles: the newest one, and the key that signed it."""

    sequence: int
    content: tuple
    signer: bytes


class Memory:
    """What outlives a process."""

    def __init__(self):
        self.keyset = None
        self.bundles = {}
        self.clock = None
        self.doubt = None
        self.counts = {}


class Clock:
    """The clock guard."""

    def __init__(self, memory):
        self.memory = memory
        self.base = None
        self.dated = []

    def supported(self, time):
        """Something signed says that this time has come, as far as it is believed."""
        self.memory.clock = max(self.memory.clock or 0, time)

    def read(self, wall, monotonic_ms):
        """The time that is believed, and whether the wall clock is doubted and since when."""
        memory = self.memory
        if self.base is None:
            self.base = monotonic_ms
        if memory.clock is None:
            memory.clock = wall
        memory.clock += (monotonic_ms - self.base) // 1000
        self.base += (monotonic_ms - self.base) // 1000 * 1000
        if wall + DAY < memory.clock:
            if memory.doubt is None:
                memory.doubt = memory.clock
            return memory.clock, memory.doubt
        memory.doubt = None
        if wall <= memory.clock + WEEK:
            memory.clock = max(memory.clock, wall)
        now = max(wall, memory.clock)
        # A bundle's date moves time ahead by a day at most; one that is dated further ahead moves nothing.
        moved = [date for date in self.dated if now < date <= now + DAY]
        self.dated = []
        if moved:
            memory.clock = now = max(moved)
        return now, None


class Gate:
    """One gate: the keys that it trusts, and what it has loaded."""

    def __init__(self, keys=(), root=None):
        self.root = root
        self.memory = Memory()
        self.plain = [keyset.Entry(key=one) for one in keys]
        self.keys = None
        self.loaded = None
        self.restart()

    def restart(self):
        """The process ends and another one begins with what was persisted."""
        self.bundles = {}
        self.cells = {}
        self.clock = Clock(self.memory)

    def load(self, data):
        read = keyset.read(data, self.root)
        seen = self.memory.keyset
        if seen is not None:
            require(read.sequence >= seen[0], "keyset_rollback")
            require(read.sequence > seen[0] or data == seen[1], "keyset_equivocation")
        if data == self.loaded:
            return
        known = self.memory.clock or 0
        is_expired = read.expires <= max(known, read.issued_at)
        require(self.keys is None or known >= self.keys.expires or not is_expired, "keyset_expired")
        self.memory.keyset = read.sequence, data
        self.keys, self.loaded = read, data

    def publish(self, data):
        read, entry = bundle.read(data, self.keys)
        name = read.issuer, read.stream
        used, mark = self.bundles.get(name), self.memory.bundles.get(name)
        content = read.root, read.issued_at, read.next_update, read.expires, read.salt
        is_seen = False
        if mark is not None and (mark.signer == entry.key.kid or self._speaks(mark.signer, *name)):
            require(read.sequence >= mark.sequence, "bundle_wrong_base" if read.base is not None else "bundle_rollback")
            is_seen = read.sequence == mark.sequence
            require(not is_seen or content == mark.content, "bundle_equivocation")
        if is_seen and used is not None and used.sequence == read.sequence:
            return
        if read.base is not None:
            read = bundle.merge(used, read)
        self.bundles[name] = read
        self.memory.bundles[name] = Mark(read.sequence, content, entry.key.kid)
        self.clock.dated.append(read.issued_at)

    def _speaks(self, kid, issuer, stream):
        """Whether a key may still sign the bundles of an issuer's stream."""
        active = (entry for entry in self.keys.of(keyset.REVOCATION) if entry.status == keyset.ACTIVE)
        return any(entry.key.kid == kid and bundle.speaks(entry.scope, issuer, stream, False) for entry in active)

    def check(self, token, wall, monotonic_ms, rates=(), meters=()):
        """Code, state and the code of a doubt that was passed over."""
        self.warning, self.state = None, None
        try:
            self._check(token, wall, monotonic_ms, rates, meters)
        except Refusal as refusal:
            return refusal.code, None, self.warning
        return "allowed", self.state, self.warning

    def _check(self, token, wall, monotonic_ms, rates, meters):
        entries = self.plain if self.keys is None else self.keys.of(keyset.LICENSES)
        signed = cose.read(token, license.TYP)
        found_key = license.find(signed, [entry.key for entry in entries])
        found = claims.read(signed.payload)
        keyset.permits(next(entry for entry in entries if entry.key is found_key), found)
        policy = found["grant"].get("policy", {})
        if self.keys is not None:
            self.clock.supported(self.keys.issued_at)
        now, doubt = self.clock.read(wall, monotonic_ms)
        require(self.keys is None or now < self.keys.expires, "keyset_expired")
        if doubt is not None:
            self._doubt(policy.get(1, 0), now - doubt, "clock_rollback")
        request = license.Request()
        self.state = license.time(found, request, now)
        if wall > now - DAY and found["iat"] <= wall:
            self.clock.supported(found["iat"])
        license.expected(found, request)
        self._revocation(token, signed.kid, found, now)
        license.granted(found, request, now)
        self._charge(found, now, monotonic_ms, rates, meters)

    def _doubt(self, action, seconds, code):
        if action != 2:
            require(isinstance(action, tuple) and seconds <= action[1], code)
        self._warn(code)

    def _warn(self, code):
        """The first doubt is the one that the decision names."""
        self.warning = self.warning or code

    def _revocation(self, token, kid, found, now):
        bundles = [one for (issuer, _), one in self.bundles.items() if issuer == found["iss"]]
        used = self.bundles.get((found["iss"], found["grant"].get("stream", 0)))
        policy = found["grant"].get("policy", {})
        since = bundle.stale_since(used, found, now)
        if since is not None:
            self._doubt(policy.get(0, 0), now - since, "revocation_stale")
        require(used is None or now < used.expires, "revocation_expired")
        hit = bundle.query(bundles, token, kid, found, now)
        if hit is None:
            return
        code, effect = hit
        require(effect != bundle.DENY, code)
        self._warn(code)
        if effect == bundle.GRACE:
            self.state = "grace"

    def _charge(self, found, now, monotonic_ms, rates, meters):
        grant = found["grant"]
        lineage = grant.get("lineage", found["cti"])
        changed = {}
        for name, cost in rates:
            require(name in grant.get("rates", {}), "rate_not_licensed")
            changed[lineage, name] = self._rate(grant["rates"][name], (lineage, name), cost, monotonic_ms)
        for name, cost in meters:
            require(name in grant.get("quotas", {}), "meter_not_licensed")
            limit, unit, overage = grant["quotas"][name]
            cell = lineage, name, period.window(unit, now)
            used = self.memory.counts.get(cell, 0) + cost
            most = {0: limit, 2: used}.get(overage, overage[1] if isinstance(overage, tuple) else None)
            require(used <= most, "quota_exceeded")
            if used > limit:
                self.state = "overage"
            changed[cell] = used
        for cell, value in changed.items():
            (self.cells if len(cell) == 2 else self.memory.counts)[cell] = value

    def _rate(self, rate, cell, cost, monotonic_ms):
        """The generic cell rate algorithm: the time up to which a rate is used, in milliseconds times its count."""
        count, per_ms, burst = rate
        now = monotonic_ms * count
        used = max(self.cells.get(cell, 0), now) + cost * per_ms
        require(used <= now + burst * per_ms, "rate_limited")
        return used
