"""Keysets and revocation bundles, step by step on one gate."""

from cases import licenses
from cases.licenses import GRANT, SIGNERS, claims, signed
from cases.mutation import NOW, PERPETUAL, altered_bytes, value
from cases.writer import LICENSE, Map, Raw, Signer, base64url, encode
from reader import bundle, exact

KEYSET = "application/vnd.licentia.keyset+cbor"
ROOT = Signer(b"root", 4)
# Keys of schema 2, whose identifiers are the starts of their thumbprints.
NAMED = [Signer(b"", 1), Signer(b"", 2)]
for signer, length in zip(NAMED, (4, 32)):
    signer.kid = licenses.thumbprint(signer)[:length]
REVOKERS = [Signer(b"revoker", 5), Signer(b"other", 6)]
SALT = bytes([3]) * 16
DAY = 86400


def keyset(rng, sequence, entries=None):
    """A keyset, which is good but for an unknown field now and then."""
    schema = rng.choice([1, 2])
    signers = NAMED if schema == 2 else SIGNERS
    if rng.random() < 0.03:
        signers = rng.choice([[SIGNERS[0], Signer(b"other", 1)], [SIGNERS[0], SIGNERS[2]], [ROOT], SIGNERS, NAMED])
    found = [
        (0, schema),
        (1, sequence),
        (2, rng.choice([NOW - DAY, NOW - DAY, NOW, NOW + 1])),
        (3, rng.choice([NOW + DAY, PERPETUAL, PERPETUAL, NOW, NOW + 1])),
        (4, entries or [entry(rng, signer, schema) for signer in signers[: rng.choice([1, 2, 2])]]),
    ]
    if rng.random() < 0.1:
        found.append((rng.choice([5, 99, "x", b"k", -1]), value(rng)))
    return Map.of(*found)


def entry(rng, signer, schema=1):
    found = [(0, signer.cose_key())]
    optional = {
        1: lambda: NOW + rng.choice([-2 * DAY, -DAY, -DAY + 1, 0, 1]),
        2: lambda: NOW + rng.choice([-DAY - 1, -DAY, 0, DAY]),
        3: lambda: rng.choice([0, 0, 1, 2]),
        4: lambda: scope(rng, schema),
        5: lambda: rng.choice([0, 0, 0, 1]),
    }
    found += [(label, make()) for label, make in optional.items() if rng.random() < 0.15]
    return Map.of(*found)


def scope(rng, schema):
    found = {
        0: rng.choice([["acme"], ["other"], ["other", "acme"]]),
        1: rng.choice([["api"], ["api", "web"], ["x"]]),
        2: rng.choice([["pro"], ["free"], ["pro", "free", "x" * 64]]),
        3: rng.choice([0, DAY, 2 * DAY, PERPETUAL]),
    }
    kept = [(label, item) for label, item in found.items() if rng.random() < (0.4 if schema == 1 else 0.15)]
    if schema == 2 or rng.random() < 0.02:
        bounds = {
            4: lambda: rng.choice([0, 86399, 86400, DAY + 60]),
            5: lambda: listed_names(rng, lambda: rng.choice([True, 25, -1, 2**53 - 1, ["gold"], ["a", "gold"]])),
            6: lambda: listed_names(rng, lambda: licenses.quota(rng)),
            7: lambda: listed_names(rng, lambda: licenses.rate(rng)),
            8: lambda: rng.choice([0, 4, 5]),
            9: lambda: licenses.policy(rng),
            10: lambda: rng.choice([[0], [0, 1], [1, 2, 3]]),
            11: lambda: rng.choice([[0, 10], [7, 7], [8, 2**53 - 1], [0, 2**53 - 1], [1, 0]]),
            12: lambda: rng.choice([[0], [1], [0, 1], [2**53 - 1]]),
        }
        kept += [(label, bounds[label]()) for label in rng.sample(range(4, 13), rng.choice([1, 1, 1, 2]))]
    if rng.random() < 0.05:
        kept.append((rng.choice([4, 9, -1, "x"]), value(rng)))
    return Map.of(*kept)


def listed_names(rng, bound):
    """Bounds of most names."""
    return Map([[name, bound()] for name in licenses.NAMES if rng.random() < 0.9])


def plain(signer, typ, payload):
    return signer.sign(encode(signer.header(typ)), encode(payload))


def unbound(rng):
    """The claims of a good licence with no holder and no locks."""
    found = claims(rng)
    grant = next(item for label, item in found.entries if label == GRANT)
    grant.entries = [one for one in grant.entries if one[0] not in (8, 9, -9)]
    found.entries = [one for one in found.entries if one[0] not in (3, 8)]
    return found


def check(token, now=NOW):
    return {
        "do": "check",
        "token": "lic1_" + base64url(token),
        "now": now,
        "monotonicMs": 0,
        "rates": [],
        "meters": [],
        "code": "",
        "state": None,
        "warning": None,
    }


def load(data):
    return {"do": "load", "keyset": data.hex(), "code": ""}


def publish(data):
    return {"do": "publish", "bundle": data.hex(), "code": ""}


def gate(steps):
    return {
        "case": "gate",
        "tcId": 0,
        "comment": "",
        "flags": [],
        "keys": [],
        "root": ROOT.text(),
        "steps": steps,
    }


def keyset_case(rng):
    """A good keyset, one that may be anything, and licences under what is then in use."""
    first = [Map.of((0, signer.cose_key())) for signer in SIGNERS[:2]]
    steps = [load(plain(ROOT, KEYSET, Map.of((0, 1), (1, 5), (2, NOW - DAY), (3, PERPETUAL), (4, first))))]
    for _ in range(rng.choice([1, 1, 2])):
        sequence = rng.choice([4, 5, 6, 6, 6, 7])
        signer = ROOT if rng.random() < 0.95 else rng.choice([SIGNERS[0], Signer(b"root", 9)])
        payload = keyset(rng, sequence)
        if rng.random() < 0.05:
            many = [Signer(bytes([at]), at) for at in range(1, rng.choice([33, 34, 64, 65]) + 1)]
            payload = keyset(rng, sequence, [entry(rng, signer) for signer in many])
        good = rng.random() < 0.4
        written = plain(signer, KEYSET, payload) if good else signed(rng, signer, signer.header(KEYSET), payload)
        steps.append(load(written))
        if rng.random() < 0.2:
            steps.append({"do": "restart"})
    for now in sorted(NOW + rng.choice([0, 0, 0, 1, DAY]) for _ in range(2)):
        signer = rng.choices([*SIGNERS, *NAMED], [4, 2, 1, 5, 3])[0]
        token = plain(signer, LICENSE, unbound(rng) if rng.random() < 0.7 else claims(rng))
        steps.append(check(token, now))
    return gate(steps)


# Bundles. The sections of good ones are written by the reader's own writer: the root says if it is right.


def bundle_keyset(rng):
    entries = [Map.of((0, SIGNERS[0].cose_key()))]
    for signer in REVOKERS:
        made = [(0, signer.cose_key()), (5, 1)]
        if rng.random() < 0.2:
            made.append(rng.choice([(1, NOW), (2, NOW), (3, 1), (3, 2), (4, Map.of((0, ["acme"])))]))
        if rng.random() < 0.05:
            made.append((4, Map.of(rng.choice([(0, ["other"]), (1, ["api"]), (2, ["pro"]), (3, DAY)]))))
        entries.append(Map(list({label: [label, item] for label, item in made}.values())))
    found = ((0, 1), (1, 1), (2, NOW - DAY), (3, PERPETUAL), (4, entries))
    return plain(ROOT, KEYSET, Map.of(*found))


CTIS = [bytes([at]) * 16 for at in range(12)]
INDICES = [0, 1, 5, 7, 8, 100, 101, 102, 5000, 2**20, 2**32, 2**53 - 1]
TIMES = [0, NOW - 1, NOW, NOW + 1, PERPETUAL]


def terms(rng):
    effect = rng.choice([0, 0, 1, 2])
    effective = rng.choice([0, 0, *TIMES])
    until = rng.choice(TIMES) if effect else 0
    head = bytes([rng.choice([0, 1, 2, 6, 7, 255]), effect])
    return head + effective.to_bytes(8, "little") + until.to_bytes(8, "little")


def state(rng):
    """Groups of a state: terms, and who is revoked on them."""
    free = set(INDICES) | {rng.randrange(10000) for _ in range(rng.choice([0, 3, 30]))}
    if rng.random() < 0.04:
        free |= set(rng.sample(range(60000), rng.choice([1020, 1100, 3000])))
        if rng.random() < 0.4:
            # Dense in one place and sparse elsewhere.
            free |= set(range(70000, 70000 + rng.choice([1025, 1500])))
    left, ids = list(free), list(CTIS)
    rng.shuffle(left)
    rng.shuffle(ids)
    found = {}
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        take, some = rng.choice([0, 1, 3, len(left)]), rng.choice([0, 0, 1, 3])
        indices, left = frozenset(left[:take]), left[take:]
        hashes = frozenset(bundle.identifier_hash(SALT, cti) for cti in ids[:some])
        ids = ids[some:]
        found[terms(rng)] = indices, hashes
    return found


def rules(rng):
    return [rule(rng) for _ in range(rng.choice([0, 0, 0, 1, 2, 3]))]


def rule(rng):
    times = [NOW - 2 * DAY, NOW - DAY, NOW - 1, NOW]
    conditions = {
        0: lambda: rng.choice([b"main", b"next", b"", bytes(33)]),
        1: lambda: rng.choice(["cus_42", "cus_43"]),
        2: lambda: rng.choice(CTIS),
        3: lambda: rng.choice([["pro"], ["pro", 3], ["free", 0], ["x"]]),
        4: lambda: sorted(rng.choices(times, k=2)),
        5: lambda: sorted(rng.sample(INDICES, 2)),
        6: lambda: b"".join(sorted(rng.sample(CTIS, rng.choice([0, 1, 3])))),
        7: lambda: b"".join(sorted(rng.randbytes(32) for _ in range(rng.choice([0, 1, 3])))),
        8: lambda: rng.choice([0, 1, 6, 7, 2**53 - 1]),
        9: lambda: rng.choice(TIMES),
        10: lambda: rng.choice([0, [1, rng.choice(TIMES)], [2, rng.choice(TIMES)]]),
    }
    found = {label: conditions[label]() for label in rng.sample(range(6), rng.choice([0, 1, 1, 1, 2]))}
    found.update({label: conditions[label]() for label in range(6, 11) if rng.random() < 0.25})
    return Map([[label, item] for label, item in found.items()])


def hostile_set(rng):
    """A section of an exact set that nobody honest writes."""
    bits = rng.randbytes(rng.choice([0, 1, 2, 8, 40])) + rng.choice([b"", b"\xff", b"\x00", b"\x7f"])
    if rng.random() < 0.4:
        return bytes([rng.choice([128, 129, 133, 181, 182, 255, 127, 2, 0])]) + bits
    chunks = rng.choice([1, 1, 2, 3, 65])
    rice, chunk = rng.choice([0, 1, 5, 53, 54]), rng.choice([0, 1, 3, 10, 52, 53, 54])
    wide = rng.choice([0, 0, 1, 2])
    count = rng.choice([0, 1, 2, 3, 8, 2**64 - 1])
    anchors = b"".join(rng.choice([0, 0, 1, 8]).to_bytes(8, "little") for _ in range((chunks + 63) // 64))
    entries = b"".join(rng.choice([0, 0, 1, 2, 8]).to_bytes(4 if wide else 2, "little") for _ in range(chunks))
    head = bytes([1, rice, chunk, wide]) + count.to_bytes(8, "little") + chunks.to_bytes(4, "little")
    return head + anchors + entries + bits


def sections(rng, groups, schema):
    """The section of these groups, mostly as a state has it."""
    if rng.random() < 0.7:
        return bundle.write_groups(groups, schema)
    written = []
    for head, (indices, hashes) in groups.items():
        exact_set = exact.write(indices) if rng.random() < 0.7 else hostile_set(rng)
        if rng.random() < 0.1:
            exact_set = altered_bytes(rng, exact_set)
        listed = b"".join(sorted(hashes)) if rng.random() < 0.95 else rng.randbytes(rng.choice([7, 8, 16]))
        lengths = len(exact_set).to_bytes(4, "little") + len(listed).to_bytes(4, "little")
        written.append(head + lengths + exact_set + listed)
    rng.shuffle(written)
    return b"".join(written)


def payload(rng, sequence, groups, listed, base=None, result=None):
    """A bundle of this content, or a delta with what its root is of."""
    encoded = encode(listed) if listed is not None else b""
    schema = rng.choice([1, 1, 2])
    section = sections(rng, groups, schema)
    whole = section if result is None else bundle.write_groups(result, schema)
    issued = rng.choice([NOW - 10, NOW - 10, NOW - DAY, NOW])
    update = issued + rng.choice([0, 10, *[3 * DAY] * 5])
    found = {
        0: schema if rng.random() < 0.98 else 3,
        1: "acme" if rng.random() < 0.95 else "other",
        2: rng.choice([*[0] * 12, 1]),
        3: sequence,
        4: issued,
        5: update,
        6: update + rng.choice([1, DAY, 10 * DAY]),
        7: bundle.root(encoded, whole) if rng.random() < 0.97 else bytes(32),
        8: SALT if rng.random() < 0.97 else bytes(16),
    }
    if listed is not None:
        found[9] = Raw(encoded)
    if section or rng.random() < 0.5:
        found[10] = section
    if rng.random() < 0.2:
        found[11] = wire_filter(rng, groups)
    if base is not None:
        found[12] = base if rng.random() < 0.95 else base - 1
    if rng.random() < 0.05:
        found[rng.choice([13, 99, "x", b"k", -1])] = value(rng)
    return Map([[label, item] for label, item in found.items()])


def wire_filter(rng, groups):
    indices = sorted(set().union(*(found for found, _ in groups.values())))
    kind = rng.randrange(6)
    if kind == 0:
        return b""
    if kind == 1:
        return b"\xff" * rng.choice([31, 32, 64])
    if kind == 2 and indices:
        return bundle.make_filter(indices[1:], SALT)
    return bundle.make_filter(indices, SALT)


def bundle_case(rng):
    """Bundles and deltas that a gate may take, and licences under what is then in use."""
    steps = [load(bundle_keyset(rng))]
    used, sequence = {}, rng.choice([1, 1, 5])
    steps.append(publish(publication(rng, payload(rng, sequence, used := state(rng), listing(rng)))))
    for _ in range(rng.choice([0, 1, 1, 2])):
        following = state(rng)
        next_sequence = sequence + rng.choice([-1, 0, 1, 1, 1, 1])
        if rng.random() < 0.7:
            made = payload(rng, next_sequence, changes(used, following), listing(rng), sequence, following)
            steps.append(publish(publication(rng, made, bundle.DELTA)))
        else:
            steps.append(publish(publication(rng, payload(rng, next_sequence, following, listing(rng)))))
        used, sequence = following, next_sequence
    for now in sorted(NOW + rng.choice([*[0] * 6, 1, 10, 11, DAY, DAY + 1, 11 * DAY]) for _ in range(6)):
        token = plain(SIGNERS[0], LICENSE, unbound(rng) if rng.random() < 0.1 else listed(rng, used))
        steps.append(check(token, now))
    return gate(steps)


def listed(rng, used):
    """The claims of a licence that a bundle may well name."""
    indices = [*INDICES, *sorted(set().union(*(found for found, _ in used.values())))[:40]]
    grant = [[0, 1], [1, [rng.choice(["pro", "free"]), rng.choice([0, 3])]]]
    if rng.random() < 0.4:
        grant.append([12, rng.choice(CTIS)])
    if rng.random() < 0.7:
        grant.append([13, rng.choice(indices)])
    if rng.random() < 0.1:
        grant.append([14, rng.choice([0, 1])])
    if rng.random() < 0.3:
        policies = [(0, [1, 10])], [(0, 2)], [(0, 2), (3, 5)], [(3, DAY)]
        grant.append([7, Map.of(*rng.choice(policies))])
    return Map.of(
        (1, "acme"),
        (2, rng.choice(["cus_42", "cus_43"])),
        (4, PERPETUAL),
        (6, NOW + rng.choice([-2 * DAY, -DAY, -1])),
        (7, rng.choice(CTIS)),
        (GRANT, Map(grant)),
    )


def listing(rng):
    found = rules(rng)
    return found if found or rng.random() < 0.3 else None


def changes(before, after):
    """The symmetric difference of each group."""
    found = {}
    nobody = frozenset(), frozenset()
    for head in {**before, **after}:
        one, other = before.get(head, nobody), after.get(head, nobody)
        changed = one[0] ^ other[0], one[1] ^ other[1]
        if any(changed):
            found[head] = changed
    return found


def publication(rng, payload, typ=bundle.BUNDLE):
    """A bundle, signed by somebody; the payload may be altered first."""
    signer = rng.choices([*REVOKERS, SIGNERS[0], ROOT], [30, 3, 1, 1])[0]
    if rng.random() < 0.03:
        typ = rng.choice([bundle.BUNDLE, bundle.DELTA, KEYSET])
    if rng.random() < 0.8:
        return plain(signer, typ, payload)
    return signed(rng, signer, signer.header(typ), payload)
