"""Receipts and acknowledgements."""

import hashlib

from cases.licenses import SIGNERS, signed
from cases.mutation import NOW, PERPETUAL, value
from cases.writer import Map, Signer, encode

RECEIPT = "application/vnd.licentia.receipt+cbor"
ACKNOWLEDGEMENT = "application/vnd.licentia.acknowledgement+cbor"


def instance(rng):
    """A signer whose identifier is the thumbprint of its key, mostly."""
    signer = Signer(b"", rng.choice([20, 21]))
    thumbprint = hashlib.sha256(encode(Map.of((1, 1), (-1, 6), (-2, signer.public)))).digest()
    signer.kid = thumbprint if rng.random() < 0.97 else rng.choice([b"x", thumbprint[:-1], bytes(32)])
    return signer


def receipt_case(rng):
    signer = instance(rng)
    sequence = rng.choice([0, 1, 2, 2, 3, 9, 2**53 - 1])
    schema = rng.choice([1, 2, 2])
    entries = [entry(rng, schema) for _ in range(rng.choice([0, 1, 2, 3, 8]))]
    if rng.random() < 0.95:
        entries.sort(key=order)
    found = {
        0: schema if rng.random() < 0.98 else rng.choice([0, 1, 2, 3]),
        1: signer.public if rng.random() < 0.97 else rng.choice([bytes(32), b"\x02" + bytes(31), SIGNERS[0].public]),
        2: sequence,
        3: bytes(32) if (sequence == 1) == (rng.random() < 0.95) else rng.randbytes(32),
        4: rng.choice([0, NOW, PERPETUAL]),
        5: entries,
    }
    if rng.random() < 0.4:
        found[6] = [rng.choice([0, 1, 1, 1, 2, sequence]), rng.randbytes(32)]
    if rng.random() < (0.97 if schema == 2 else 0.1):
        found[7] = rng.choice([0, 0, 0, 1, max(sequence - 1, 0), sequence, 2**53])
    if rng.random() < 0.1:
        found[rng.choice([8, 99, "x", b"k", -1])] = value(rng)
    payload = Map([[label, item] for label, item in found.items()])
    header = signer.header(RECEIPT)
    if rng.random() < 0.03:
        header.entries[0][1] = rng.choice([-8, -7, 1])
    good = rng.random() < 0.6
    written = signer.sign(encode(header), encode(payload)) if good else signed(rng, signer, header, payload)
    return {"case": "receipt", "receipt": written.hex()}


def entry(rng, schema):
    start = rng.choice([0, 0, 5, NOW, PERPETUAL, PERPETUAL + 1 if rng.random() < 0.05 else 7])
    ends = [None, start + 1, start + 60, start + 3600, PERPETUAL]
    end = rng.choice(ends) if rng.random() < 0.95 else rng.choice([start, 0, PERPETUAL + 1, 2**53 - 1])
    counted = [
        rng.choice([bytes(16), b"\x01" * 16]),
        rng.choice(["calls", "mails", "a", "x" * 64]),
        start,
        end,
        rng.choice([0, 1, 1000, 2**53 - 1]),
    ]
    if schema == 1 and rng.random() < 0.98:
        return counted
    issuers = ["acme", "acme", "", "x" * 256, "\u00e9" * 129 if rng.random() < 0.05 else "zeta"]
    return [rng.choice(issuers), *counted, rng.choice([0, 0, 1, 2**53 - 1, 2**53 if rng.random() < 0.05 else 7])]


def order(one):
    issuer = one[0].encode() if len(one) == 7 else b""
    lineage, meter, start, end = one[1:5] if len(one) == 7 else one[:4]
    return issuer, lineage, meter, start, -1 if end is None else end


def acknowledgement_case(rng):
    signer = rng.choices(SIGNERS, [6, 2, 1])[0]
    found = {0: 1, 1: bytes(32), 2: rng.choice([0, 1, 1, 7, 2**53 - 1]), 3: rng.randbytes(32), 4: NOW}
    if rng.random() < 0.1:
        found[rng.choice([5, 99, "x", b"k", -1])] = value(rng)
    payload = Map([[label, item] for label, item in found.items()])
    header = signer.header(ACKNOWLEDGEMENT)
    if rng.random() < 0.05:
        header.entries[0][1] = rng.choice([-8, -7, 1])
    good = rng.random() < 0.4
    written = signer.sign(encode(header), encode(payload)) if good else signed(rng, signer, header, payload)
    keys = rng.choice([SIGNERS, SIGNERS[:2], SIGNERS[:1], []])
    return {"case": "acknowledgement", "acknowledgement": written.hex(), "keys": [one.text() for one in keys]}
