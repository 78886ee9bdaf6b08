"""Revocation bundles and deltas: `docs/revocation-format.md`."""

import hashlib
from dataclasses import dataclass, field

from reader import cose, ed25519, exact, keyset, limits
from reader.cbor import ARRAY, Reader
from reader.refusal import Refusal, require
from reader.siphash import siphash13

BUNDLE = "application/vnd.licentia.revocation+cbor"
DELTA = "application/vnd.licentia.revocation-delta+cbor"
MALFORMED = exact.MALFORMED
DENY, WARN, GRACE = range(3)
STRICTNESS = {DENY: 2, GRACE: 1, WARN: 0}
HEAD = 26
WORDS = (
    *(0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D),
    *(0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31),
)


@dataclass(frozen=True)
class Terms:
    """What a revocation says: its effect, from when, and until when."""

    effect: int
    until: int
    effective: int
    reason: int


@dataclass
class Group:
    terms: Terms
    head: bytes
    indices: frozenset
    hashes: frozenset


@dataclass
class Rule:
    conditions: dict = field(default_factory=dict)
    exempt: frozenset = frozenset()
    allowed: frozenset = frozenset()
    terms: Terms = None


@dataclass
class Bundle:
    """A bundle, or a delta where it has a base."""

    schema: int = None
    issuer: str = None
    stream: int = None
    sequence: int = None
    issued_at: int = None
    next_update: int = None
    expires: int = None
    root: bytes = None
    salt: bytes = None
    rules: list = field(default_factory=list)
    encoded_rules: bytes = b""
    groups: list = field(default_factory=list)
    encoded_groups: bytes = b""
    filter: bytes | None = None
    base: int | None = None


FIELDS = {
    0: "schema",
    1: "issuer",
    2: "stream",
    3: "sequence",
    4: "issued_at",
    5: "next_update",
    6: "expires",
    7: "root",
    8: "salt",
    11: "filter",
    12: "base",
}


def read(data, keys):
    """A bundle or delta that a revocation key of the keyset has signed; gives it and the key's entry."""
    signed, is_delta = _frame(data)
    named = [entry for entry in keys.of(keyset.REVOCATION) if entry.key.kid == signed.kid]
    require(named, "bundle_untrusted")
    entry = named[0]
    require(entry.status != keyset.RETIRED, "key_not_active")
    require(entry.status != keyset.REVOKED, "key_revoked")
    require(_verifies(entry, signed), "bundle_bad_signature")
    try:
        bundle = payload(signed.payload, is_delta)
    except Refusal:
        raise Refusal(MALFORMED) from None
    permits(entry, bundle)
    if not is_delta:
        require(root(bundle.encoded_rules, bundle.encoded_groups) == bundle.root, "bundle_wrong_root")
    if bundle.filter:
        _check_filter(bundle)
    return bundle, entry


def _verifies(entry, signed):
    return signed.alg == cose.ED25519 and ed25519.verifies(entry.key.public, signed.signature, signed.signed)


def _frame(data):
    try:
        try:
            return cose.read(data, BUNDLE, limits.BUNDLE_BYTES), False
        except Refusal as refusal:
            if refusal.code != "wrong_typ":
                raise
            return cose.read(data, DELTA, limits.BUNDLE_BYTES), True
    except Refusal as refusal:
        raise Refusal("wrong_typ" if refusal.code == "wrong_typ" else MALFORMED) from None


def permits(entry, bundle):
    """Whether a revocation key may have signed this bundle."""
    require(speaks(entry.scope, bundle.issuer, bundle.stream, bool(bundle.rules)), "bundle_untrusted")
    require(entry.not_before <= bundle.issued_at <= entry.not_after, "key_not_active")


def speaks(scope, issuer, stream, has_rules):
    """Whether a key of this scope may sign for a stream: rules speak for the whole issuer."""
    within = set(scope) <= {0, 12} and issuer in scope.get(0, [issuer])
    return within and (12 not in scope or (stream in scope[12] and not has_rules))


def payload(data, is_delta):
    """The payload, and the form of all that is in it."""
    reader = Reader(data, limits.BUNDLE_ITEMS)
    found = {}
    for label in reader.keys(reader.map()):
        found[label] = _field(reader, label)
    required = set(range(9)) | ({12} if is_delta else set())
    require(required <= set(found) and (is_delta or 12 not in found), MALFORMED)
    reader.end()
    bundle = Bundle(**{FIELDS[label]: found[label] for label in range(9)})
    require(bundle.issued_at <= bundle.next_update < bundle.expires, MALFORMED)
    bundle.rules, bundle.encoded_rules = found.get(9, ([], b""))
    bundle.encoded_groups = found.get(10, b"")
    bundle.groups = groups(bundle.encoded_groups)
    bundle.filter, bundle.base = found.get(11), found.get(12)
    require(len(bundle.filter or b"") % 32 == 0, MALFORMED)
    return bundle


def _field(reader, label):
    if label == 0:
        return reader.number(1, 2)
    if label == 1:
        return reader.text()
    if label in (2, 3, 12):
        return reader.number()
    if label in (4, 5, 6):
        return reader.time()
    if label == 7:
        return reader.sized(32)
    if label == 8:
        return reader.sized(16)
    if label == 9:
        start = reader.at
        rules = [_rule(reader) for _ in range(reader.array(0, limits.RULES))]
        return rules, reader.data[start : reader.at]
    if label in (10, 11):
        return reader.bytes()
    require(not (isinstance(label, int) and label < 0), MALFORMED)
    return reader.skip()


def root(rules, groups):
    """The state root."""
    parts = (len(part).to_bytes(8, "little") + part for part in (rules, groups))
    return hashlib.sha256(b"".join(parts)).digest()


# Rules.


def _rule(reader):
    rule, found = Rule(), {}
    for label in reader.keys(reader.map()):
        if label == 0:
            rule.conditions["kid"] = reader.bytes()
        elif label == 1:
            rule.conditions["subject"] = reader.text()
        elif label == 2:
            rule.conditions["lineage"] = reader.sized(16)
        elif label == 3:
            count = reader.array(1, 2)
            rule.conditions["tier"] = reader.text(), reader.number() if count == 2 else None
        elif label == 4:
            rule.conditions["iat"] = _range(reader, reader.time)
        elif label == 5:
            rule.conditions["index"] = _range(reader, reader.number)
        elif label == 6:
            rule.exempt = _list(reader, 16)
        elif label == 7:
            rule.allowed = _list(reader, 32)
        elif label == 8:
            found["reason"] = reader.number()
        elif label == 9:
            found["effective"] = reader.time()
        elif label == 10:
            found["action"] = _action(reader)
        else:
            raise Refusal(MALFORMED)
    require(rule.conditions, MALFORMED)
    effect, until = found.get("action", (DENY, 0))
    rule.terms = Terms(effect, until, found.get("effective", 0), found.get("reason", 0))
    return rule


def _range(reader, number):
    require(reader.array() == 2, MALFORMED)
    first, last = number(), number()
    require(first <= last, MALFORMED)
    return first, last


def _list(reader, size):
    items = _cut(reader.bytes(), size)
    require(len(items) <= limits.RULE_LIST, MALFORMED)
    return frozenset(items)


def _cut(data, size):
    """Items of one size, which ascend."""
    require(len(data) % size == 0, MALFORMED)
    items = [data[at : at + size] for at in range(0, len(data), size)]
    require(all(one < next for one, next in zip(items, items[1:])), MALFORMED)
    return items


def _action(reader):
    if reader.peek() != ARRAY:
        require(reader.number() == 0, MALFORMED)
        return DENY, 0
    require(reader.array() == 2, MALFORMED)
    return reader.number(WARN, GRACE), reader.time()


# Groups.


def groups(data):
    """The groups of a section."""
    found, at, total, decoded = [], 0, 0, 0
    while at < len(data):
        head = data[at : at + HEAD]
        require(len(head) == HEAD, MALFORMED)
        reason, effect = head[0], head[1]
        effective, until = (int.from_bytes(head[place : place + 8], "little") for place in (2, 10))
        lengths = [int.from_bytes(head[place : place + 4], "little") for place in (18, 22)]
        require(effect <= GRACE and effective <= limits.TIME and until <= limits.TIME, MALFORMED)
        require(effect != DENY or until == 0, MALFORMED)
        at += HEAD
        parts = []
        for length in lengths:
            require(at + length <= len(data), MALFORMED)
            parts.append(data[at : at + length])
            at += length
        indices, fullest = exact.members(parts[0])
        hashes = _cut(parts[1], 8)
        require(indices or hashes, MALFORMED)
        total += len(indices)
        decoded += fullest
        require(total <= limits.REVOKED and decoded <= limits.QUERY_MEMBERS, MALFORMED)
        found.append(
            Group(Terms(effect, until, effective, reason), head[:18], frozenset(indices), frozenset(hashes))
        )
    require(len(found) <= limits.GROUPS, MALFORMED)
    require(len({group.head for group in found}) == len(found), MALFORMED)
    return found


def write_groups(found, schema=1):
    """The section of a state: the longest group first."""
    written = []
    for head, (indices, hashes) in found.items():
        if not indices and not hashes:
            continue
        parts = exact.write(indices, schema), b"".join(sorted(hashes))
        lengths = b"".join(len(part).to_bytes(4, "little") for part in parts)
        written.append((-len(parts[0]) - len(parts[1]), head, head + lengths + b"".join(parts)))
    return b"".join(group for _, _, group in sorted(written))


# The pre-filter.


def _check_filter(bundle):
    """A filter that came on the wire holds every member."""
    for group in bundle.groups:
        for index in group.indices:
            require(passes(bundle.filter, bundle.salt, index), MALFORMED)


def passes(data, salt, index):
    """Whether a filter lets an index pass to the exact sets."""
    blocks = len(data) // 32
    if blocks == 0:
        return False
    digest = siphash13(salt, index.to_bytes(8, "little"))
    high, low = digest >> 32, digest & 0xFFFFFFFF
    block = (high * blocks >> 32) * 32
    for place, multiplier in enumerate(WORDS):
        word = int.from_bytes(data[block + place * 4 :][:4], "little")
        if not word >> ((low * multiplier & 0xFFFFFFFF) >> 27) & 1:
            return False
    return True


def make_filter(indices, salt):
    """A filter over these indices, with 16 bits for each."""
    blocks = max(1, -(-len(indices) * 16 // 256))
    words = [0] * (blocks * 8)
    for index in indices:
        digest = siphash13(salt, index.to_bytes(8, "little"))
        high, low = digest >> 32, digest & 0xFFFFFFFF
        block = (high * blocks >> 32) * 8
        for place, multiplier in enumerate(WORDS):
            words[block + place] |= 1 << ((low * multiplier & 0xFFFFFFFF) >> 27)
    return b"".join(word.to_bytes(4, "little") for word in words)


# A delta.


def merge(base, delta):
    """The bundle that a delta makes of the one in use."""
    require(base is not None and base.sequence == delta.base, "bundle_wrong_base")
    require((base.stream, base.salt) == (delta.stream, delta.salt), "bundle_wrong_base")
    state = {group.head: (group.indices, group.hashes) for group in base.groups}
    for group in delta.groups:
        indices, hashes = state.get(group.head, (frozenset(), frozenset()))
        state[group.head] = indices ^ group.indices, hashes ^ group.hashes
    encoded = write_groups(state, delta.schema)
    require(root(delta.encoded_rules, encoded) == delta.root, "bundle_wrong_root")
    names = ("schema", "issuer", "stream", "sequence", "issued_at", "next_update", "expires", "root", "salt")
    merged = Bundle(**{name: getattr(delta, name) for name in names})
    merged.rules, merged.encoded_rules = delta.rules, delta.encoded_rules
    merged.groups, merged.encoded_groups = groups(encoded), encoded
    return merged


# A query.


def identifier_hash(salt, cti):
    """The hash of the identifier of a licence without an index."""
    return siphash13(salt, cti).to_bytes(8, "big")


def revocations(bundles, token, kid, claims):
    """Every revocation that hits a licence: code and terms, rules first. The bundles are those of its issuer."""
    index, stream = claims["grant"].get("index"), claims["grant"].get("stream", 0)
    found = []
    for bundle in bundles:
        # An index is one of its stream.
        known = index if bundle.stream == stream else None
        hits = (rule for rule in bundle.rules if _hits(rule, token, kid, claims, known))
        found += [("revoked_by_rule", rule.terms) for rule in hits]
    own = [bundle for bundle in bundles if bundle.stream == stream]
    for salt, group in ((bundle.salt, group) for bundle in own for group in bundle.groups):
        if index is not None:
            hit = index in group.indices
        else:
            hit = identifier_hash(salt, claims["cti"]) in group.hashes
        if hit:
            found.append(("revoked", group.terms))
    return found


def _hits(rule, token, kid, claims, index):
    grant = claims["grant"]
    name, version = grant["tier"]
    tests = {
        "kid": lambda wanted: kid == wanted,
        "subject": lambda wanted: claims["sub"] == wanted,
        "lineage": lambda wanted: grant.get("lineage", claims["cti"]) == wanted,
        "tier": lambda wanted: name == wanted[0] and wanted[1] in (None, version),
        "iat": lambda wanted: wanted[0] <= claims["iat"] <= wanted[1],
        "index": lambda wanted: index is not None and wanted[0] <= index <= wanted[1],
    }
    if not all(tests[condition](wanted) for condition, wanted in rule.conditions.items()):
        return False
    return claims["cti"] not in rule.exempt and hashlib.sha256(token).digest() not in rule.allowed


def query(bundles, token, kid, claims, now):
    """The strictest revocation in effect: its code, and whether it refuses, flags or puts into grace."""
    found = None
    for code, terms in revocations(bundles, token, kid, claims):
        if now < terms.effective:
            continue
        effect = DENY if terms.effect == DENY or now >= terms.until else terms.effect
        if found is None or STRICTNESS[effect] > STRICTNESS[found[1]]:
            found = code, effect
    return found


def stale_since(bundle, claims, now):
    """Since when revocation data is stale for a licence; none where it is fresh."""
    age = claims["grant"].get("policy", {}).get(3)
    if bundle is None:
        # There is none that was ever fresh.
        return None if age is None else claims["iat"]
    since = bundle.next_update if age is None else min(bundle.next_update, bundle.issued_at + age)
    return since if now > since else None
