"""Licences with their proofs, texts and keys."""

import hashlib

from cases.mutation import NOW, PERPETUAL, altered, altered_bytes, key, nested, text, value
from cases.writer import LICENSE, Map, Signer, base64url, encode

GRANT = -65537
PROOF = "application/vnd.licentia.proof+cwt"
SIGNERS = [Signer(b"main", 1), Signer(b"next", 2), Signer(b"main", 3)]
HOLDER, STRANGER = Signer(b"hold", 7), Signer(b"hold", 8)
NAMES = ["export", "sso", "calls", "api", "a", "mails", "x" * 64]
NODE = bytes([0xAB]) * 32
URI = "https://api.acme.example/v1/jobs"
URIS = [
    *(URI, "HTTPS://API.acme.EXAMPLE:443/v1/jobs", "https://api.acme.example:/v1/./x/../jobs?", URI + "#end", ""),
    *("https://api.acme.example/v1/%6A%6fbs", URI + "/", URI + "?a=%2f", URI + "?a=%2F", URI + "?a=/", URI + "//"),
    *("https://api.acme.example", "https://api.acme.example/", "https://api.acme.example/.", "/v1/jobs", "/v1/%zz"),
    *("http://api.acme.example:443/v1/jobs", "https://api.acme.example/V1/jobs", "https://api.acme.example/../.."),
    *("https://me@api.acme.example/v1/jobs", "https://[::1]:443/v1", "https://[::1]/v1", "%", "?", "#", "a:b", "//"),
    *("https://api.acme.example/v1/jobs/..", "https://api.acme.example/v1/", "https://api.acme.example/v1/é"),
]


def claims(rng, **fixed):
    """The claims of a good licence."""
    found = {
        1: "acme",
        2: rng.choice(["cus_42", "cus_43", "é" * 128]),
        4: rng.choice([NOW, NOW + 1, *[NOW + 90000] * 6, *[PERPETUAL] * 6]),
        6: rng.choice([*[NOW - 86400] * 8, NOW, NOW + 60, NOW + 61, 0]),
        7: rng.choice([bytes(16), b"vector license 1", rng.randbytes(16)]),
        GRANT: grant(rng),
    }
    optional = {
        3: lambda: rng.choice(["api", "web", *[["api"], ["web", "api"]] * 2, [f"s{at}" for at in range(16)]]),
        5: lambda: NOW + rng.choice([-1, 0, 60, 61]),
        8: lambda: confirmation(rng),
        65535: lambda: Map.of((0, [1, "x"])),
        100: lambda: value(rng) if rng.randrange(4) == 0 else nested(rng.choice([7, 8, 9]), 4),
        "note": lambda: [0] * rng.choice([1, 900, 1010, 1024]),
    }
    chances = {3: 0.3, 5: 0.1, 8: 0.05, 65535: 0.1, 100: 0.08, "note": 0.03}
    found.update({label: make() for label, make in optional.items() if rng.random() < chances[label]})
    found.update(fixed)
    return Map([[label, item] for label, item in found.items()])


def grant(rng):
    found = {0: 1, 1: [rng.choice(["pro", "free", "x" * 64]), rng.choice([0, 3, 2**53 - 1])]}
    optional = {
        2: lambda: named(rng, feature),
        3: lambda: named(rng, quota),
        4: lambda: named(rng, rate),
        5: lambda: rng.choice([0, NOW - 1, NOW, NOW + 1, PERPETUAL]),
        6: lambda: rng.choice([0, 5, 2**53 - 1]),
        7: lambda: policy(rng),
        8: lambda: [rng.choice([NODE, rng.randbytes(32)]) for _ in range(rng.choice([1, 2, 16]))],
        9: lambda: NOW + rng.choice([-1, 0, 1]),
        10: lambda: rng.randrange(4),
        11: lambda: Map.of((text(rng) or "a", text(rng) or "b")),
        12: lambda: rng.randbytes(16),
        13: lambda: rng.choice([0, 7, 1000000, 2**53 - 1]),
        14: lambda: rng.choice([0, 1, 2**53 - 1]),
        200: lambda: value(rng),
        "x": lambda: None,
        -9: lambda: 1,
    }
    chances = {2: 0.6, 3: 0.4, 4: 0.3, 8: 0.1, 9: 0.1, 11: 0.1, 200: 0.04, "x": 0.05, -9: 0.01}
    found.update({label: make() for label, make in optional.items() if rng.random() < chances.get(label, 0.2)})
    return Map([[label, item] for label, item in found.items()])


def named(rng, make):
    return Map([[name, make(rng)] for name in rng.sample(NAMES, rng.choice([1, 1, 2, 3]))])


def feature(rng):
    one = rng.choice([True, True, 0, 25, -1, -(2**53) + 1, "gold"])
    return one if rng.random() < 0.6 else [one, NOW + rng.choice([-1, 0, 1, 1000])]


def quota(rng):
    limit = rng.choice([0, 1, 1000, 2**53 - 1])
    anchor = rng.choice([0, NOW, PERPETUAL])
    period = rng.choice([*range(7), [1, anchor], [2**53 - 1, anchor], [-5, anchor], [-6, anchor]])
    overage = rng.choice([None, 0, 2, [1, limit], [1, 2**53 - 1]])
    return [limit, period] if overage is None else [limit, period, overage]


def rate(rng):
    return [rng.choice([1, 10, 2**53 - 1]) for _ in range(rng.choice([2, 3]))]


def policy(rng):
    actions = [0, 2, [1, 0], [1, 3600], [1, 2**53 - 1]]
    found = {label: rng.choice(actions) for label in range(3) if rng.random() < 0.6}
    if rng.random() < 0.1 or not found:
        found[3] = rng.choice([0, 3600, 86399, 86400, 2**53 - 1])
    if rng.random() < 0.1:
        found[rng.choice([4, 99, "x", -1])] = value(rng)
    return Map([[label, item] for label, item in found.items()])


def confirmation(rng):
    kind = rng.randrange(3)
    if kind == 0:
        return Map.of((5, thumbprint(HOLDER)))
    return Map.of((1, holder_key(rng, HOLDER)))


def holder_key(rng, signer):
    found = [(1, 1), (-1, 6), (-2, signer.public)]
    if rng.randrange(20) == 0:
        # No point, a point of small order, and one in an encoding that is not canonical.
        weak = [b"\x02" + bytes(31), bytes(32), b"\x01" + bytes(31), b"\xee" + b"\xff" * 30 + b"\x7f", b"\xff" * 32]
        found[2] = (-2, rng.choice(weak))
    if rng.random() < 0.3:
        found.append((3, -19))
    if rng.random() < 0.3:
        found.append((2, rng.choice([b"", b"hold", bytes(33)])))
    return Map.of(*found)


def thumbprint(signer):
    return hashlib.sha256(encode(Map.of((1, 1), (-1, 6), (-2, signer.public)))).digest()


def token(rng, payload=None, signer=None, typ=LICENSE):
    """A token of these claims, or altered in its claims, its header or its bytes."""
    signer = signer or rng.choices(SIGNERS, [20, 2, 1])[0]
    payload = payload or claims(rng)
    return signed(rng, signer, signer.header(typ), payload)


def signed(rng, signer, header, payload):
    """A signed object, whose parts are altered before it is signed, or whose bytes after."""
    kind = rng.random()
    if kind < 0.3:
        payload = altered(rng, payload)
    elif kind < 0.37:
        header = altered(rng, header)
    elif kind < 0.42:
        header.entries.append([2, rng.choice([[1], [1, 4, 16], [2], [], ["x"], [1] * 8, [1] * 9, [b"x"], 1])])
    elif kind < 0.44:
        header.entries.append([key(rng), value(rng)])
    header, payload = encode(header), encode(payload)
    kind = rng.random()
    if kind < 0.12:
        payload = altered_bytes(rng, payload)
    elif kind < 0.15:
        header = altered_bytes(rng, header)
    written = signer.sign(header, payload)
    return altered_bytes(rng, written) if rng.random() < 0.05 else written


def proof(rng, cti, now):
    """A proof, its request, and what in it may be wrong."""
    body = rng.choice([None, None, bytes(32)])
    found = {
        6: max(0, min(now + rng.choice([*[0] * 6, -60, -61, 60, 61]), PERPETUAL)),
        7: cti if rng.random() < 0.95 else bytes(16),
        10: rng.randbytes(16),
        -65538: "POST",
        -65539: rng.choice([URI] * 2 + URIS),
    }
    if rng.random() < 0.7:
        found[8] = Map.of((1, holder_key(rng, HOLDER)))
    if body is not None:
        found[-65540] = body
    if rng.random() < 0.1:
        found[rng.choice([99, "x", -1, -99, b"k"])] = value(rng)
    signer = HOLDER if rng.random() < 0.95 else STRANGER
    payload = Map([[label, item] for label, item in found.items()])
    header = signer.header(PROOF)
    if rng.random() < 0.05:
        header.entries[0][1] = rng.choice([-8, -7, -19, 1])
    good = rng.random() < 0.5
    written = signer.sign(encode(header), encode(payload)) if good else signed(rng, signer, header, payload)
    return {
        "proof": base64url(written),
        "method": "POST" if rng.random() < 0.95 else "GET",
        "uri": found[-65539] if rng.random() < 0.5 else rng.choice(URIS),
        "body": (body.hex() if body else None) if rng.random() < 0.95 else "11" * 32,
        "maxAge": rng.choice([60, 60, 60, 0]),
    }


def license_case(rng):
    """A token, held against keys and a request at a time."""
    bound = rng.random() < 0.3
    fixed = {8: confirmation(rng)} if bound else {}
    payload = _with(claims(rng), fixed)
    now = NOW + rng.choice([*[0] * 9, -1, 1, -60, -61, 86400, PERPETUAL])
    written = token(rng, payload)
    cti = next(item for label, item in payload.entries if label == 7)
    known = rng.choice([SIGNERS, *[SIGNERS[:2]] * 6, SIGNERS[:1], SIGNERS[::-1], SIGNERS[1:2]])
    keys = [signer.text() for signer in known]
    return {
        "case": "license",
        "token": written.hex(),
        "keys": keys,
        "expect": {
            "issuer": rng.choice([None, None, None, "acme", "acme", "acme", "acme", "other"]),
            "audience": rng.choice([None, *["api"] * 6]),
            "skew": rng.choice([60, 60, 0]),
            "features": rng.choice([[], [], [], ["export"], ["a", "sso"]]),
            "node": rng.choice([None, *[NODE.hex()] * 4]),
            "release": rng.choice([None, *[NOW] * 4]),
        },
        "proof": proof(rng, cti, now) if bound and rng.random() < 0.95 else None,
        "now": now,
    }


def _with(found, fixed):
    entries = [entry for entry in found.entries if entry[0] not in fixed]
    return Map(entries + [[label, item] for label, item in fixed.items()])


def inspect_case(rng):
    """A token that is read without keys."""
    return {"case": "inspect", "token": token(rng).hex()}


def text_case(rng, prefix="lic1_", case="text", written=None):
    written = rng.randbytes(rng.choice([0, 1, 2, 3, 100, 4095, 4096, 4097, 4098])) if written is None else written
    found = prefix + base64url(written)
    if rng.random() < 0.6:
        at = rng.randrange(len(found) + 1)
        put = rng.choice(["", "=", "A", "_", "-", "+", "/", " ", "\n", "é", "\x00", "lic1_", "LIC1_", "."])
        found = found[:at] + put + found[at + rng.choice([0, 1]) :]
    return {"case": case, "text": found}


def key_case(rng):
    """The text form of a public key."""
    signer = rng.choice(SIGNERS)
    cose = signer.cose_key()
    kind = rng.random()
    if kind < 0.6:
        cose = altered(rng, cose)
    elif kind < 0.7:
        cose.entries[4][1] = rng.randbytes(32)
    elif kind < 0.75:
        cose.entries[1][1] = rng.randbytes(rng.choice([0, 1, 32, 33]))
    written = encode(cose)
    if rng.random() < 0.1:
        written = altered_bytes(rng, written)
    if rng.random() < 0.1:
        return text_case(rng, "licpub1_", "key", written)
    return {"case": "key", "text": "licpub1_" + base64url(written)}
