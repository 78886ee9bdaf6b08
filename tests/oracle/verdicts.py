"""The verdicts of the independent reader, in the shape in which `tests/src/bin/verdicts.rs` prints its own."""

from reader import claims, cose, gate, key, license, proof, receipt
from reader.refusal import Refusal


def verdict(case):
    """The verdict on a case."""
    return VERDICTS[case["case"]](case)


def _coded(read, *arguments):
    try:
        return ["allowed", read(*arguments)]
    except Refusal as refusal:
        return [refusal.code, None]


def _text(case):
    return _coded(lambda: license.from_text(case["text"].encode()).hex())


def _key(case):
    def read():
        found = key.from_text(case["text"].encode())
        return [found.kid.hex(), found.public.hex()]

    return _coded(read)


def _keys(case):
    return [key.from_text(written.encode()) for written in case["keys"]]


def _license(case):
    try:
        found_key, found = license.verify(bytes.fromhex(case["token"]), _keys(case))
        state = license.authorize(found, request(case["expect"], case["proof"]), case["now"])
    except Refusal as refusal:
        return [refusal.code, None, None]
    return ["allowed", state, claims.show(found_key.kid, found)]


def request(expect, presented):
    """What a caller expects, from the shape of a vector."""
    if presented:
        body = presented["body"] and bytes.fromhex(presented["body"])
        nonces = presented.get("nonces")
        presented = proof.Presented(
            presented["proof"].encode(),
            presented["method"],
            presented["uri"],
            body,
            presented["maxAge"],
            nonces and proof.Nonces(bytes.fromhex(nonces["secret"]), nonces["required"]),
        )
    return license.Request(
        expect["issuer"],
        expect["audience"],
        expect["skew"],
        expect["features"],
        expect["node"] and bytes.fromhex(expect["node"]),
        expect["release"],
        presented,
    )


def _inspect(case):
    def read():
        signed = cose.read(bytes.fromhex(case["token"]), license.TYP)
        return claims.show(signed.kid, claims.read(signed.payload))

    return _coded(read)


def _gate(case):
    root = case["root"] and key.from_text(case["root"].encode())
    one = gate.Gate(_keys(case), root)
    outcomes = []
    for step in case["steps"]:
        if step["do"] == "restart":
            one.restart()
        elif step["do"] == "load":
            outcomes.append([_coded(one.load, bytes.fromhex(step["keyset"]))[0], None, None])
        elif step["do"] == "publish":
            outcomes.append([_coded(one.publish, bytes.fromhex(step["bundle"]))[0], None, None])
        else:
            outcomes.append(_check(one, step))
    return outcomes


def _check(one, step):
    try:
        token = license.from_text(step["token"].encode())
    except Refusal as refusal:
        return [refusal.code, None, None]
    return list(one.check(token, step["now"], step["monotonicMs"], step["rates"], step["meters"]))


def _receipt(case):
    def read():
        found = receipt.read(bytes.fromhex(case["receipt"]))
        link = found.acknowledged
        return [
            key.thumbprint(found.instance).hex(),
            found.sequence,
            found.before.hex(),
            found.issued_at,
            [
                [one.issuer, one.lineage.hex(), one.meter, one.start, one.end, one.count, one.refunded]
                for one in found.entries
            ],
            link and [link[0], link[1].hex()],
            found.since,
        ]

    return _coded(read)


def _acknowledgement(case):
    def read():
        found = receipt.acknowledgement(bytes.fromhex(case["acknowledgement"]), _keys(case))
        return [found.instance.hex(), found.sequence, found.digest.hex(), found.issued_at]

    return _coded(read)


VERDICTS = {
    "text": _text,
    "key": _key,
    "license": _license,
    "inspect": _inspect,
    "gate": _gate,
    "receipt": _receipt,
    "acknowledgement": _acknowledgement,
}
