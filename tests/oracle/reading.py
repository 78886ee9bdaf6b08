"""Reads licences with the CBOR and COSE libraries of Python, and nothing of ours."""

import base64

import cbor2
import cwt

KINDS = ["paid", "trial", "developer", "internal"]
PERIODS = ["lifetime", "minute", "hour", "day", "week", "month", "year"]
GRANT = -65537
TYP = "application/vnd.licentia.license+cwt"


def decode_text(text, prefix):
    """The bytes of a text form."""
    assert text.startswith(prefix)
    digits = text[len(prefix) :]
    return base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))


def public_key(text):
    """The COSE_Key of a public key in its text form."""
    return cwt.COSEKey.new(cbor2.loads(decode_text(text, "licpub1_")))


def frame(token):
    """The protected header, the payload and the signature of a COSE_Sign1, each as bytes."""
    tagged = cbor2.loads(token)
    assert tagged.tag == 18
    protected, unprotected, payload, signature = tagged.value
    assert unprotected == {}
    return protected, payload, signature


def verify(token, keys):
    """Verifies a COSE_Sign1 with cwt and gives its payload, decoded."""
    payload = cwt.COSE.new().decode(token, keys)
    return payload if isinstance(payload, dict) else cbor2.loads(payload)


def deterministic(value):
    """Encodes a value by RFC 8949, section 4.2.1: cbor2 writes dictionaries in the order that they have."""
    return cbor2.dumps(_sorted(value))


def _sorted(value):
    if isinstance(value, dict):
        entries = sorted(value.items(), key=lambda entry: cbor2.dumps(entry[0]))
        return {key: _sorted(item) for key, item in entries}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag, _sorted(value.value))
    return value


def show(kid, claims):
    """The claims in the one shape in which every language shows them."""
    grant = claims[GRANT]
    policy = grant.get(7, {})
    audience = claims.get(3, [])
    return {
        "kid": kid.hex(),
        "iss": claims[1],
        "sub": claims[2],
        "aud": [audience] if isinstance(audience, str) else audience,
        "exp": claims[4],
        "nbf": claims.get(5),
        "iat": claims[6],
        "cti": claims[7].hex(),
        "cnf": _confirmation(claims.get(8)),
        "tier": {"name": grant[1][0], "version": grant[1][1]},
        "features": {name: _feature(value) for name, value in grant.get(2, {}).items()},
        "quotas": {name: _quota(*value) for name, value in grant.get(3, {}).items()},
        "rates": {name: _rate(*value) for name, value in grant.get(4, {}).items()},
        "term_end": grant.get(5),
        "seats": grant.get(6),
        "policy": {
            "stale_revocation": _action(policy.get(0, 0)),
            "clock_doubt": _action(policy.get(1, 0)),
            "store_unreachable": _action(policy.get(2, 0)),
            "max_revocation_age": policy.get(3),
        },
        "node_locks": [lock.hex() for lock in grant.get(8, [])],
        "maintained_until": grant.get(9),
        "kind": KINDS[grant.get(10, 0)],
        "meta": grant.get(11, {}),
        "lineage": grant.get(12, claims[7]).hex(),
        "index": grant.get(13),
        "stream": grant.get(14, 0),
    }


def _confirmation(confirmation):
    if confirmation is None:
        return None
    if 1 in confirmation:
        return {"key": confirmation[1][-2].hex()}
    return {"thumbprint": confirmation[5].hex()}


def _feature(value):
    value, expires = value if isinstance(value, list) else (value, None)
    return {"value": value, "expires": expires}


def _quota(limit, period, overage=0):
    if isinstance(period, list):
        unit, anchor = period
        calendar = {-5: "month_from", -6: "year_from"}.get(unit)
        period = {calendar: anchor} if calendar else {"seconds": unit, "anchor": anchor}
    else:
        period = PERIODS[period]
    if isinstance(overage, list):
        overage = {"up_to": overage[1]}
    else:
        overage = {0: "deny", 2: "unlimited"}[overage]
    return {"limit": limit, "period": period, "overage": overage}


def _rate(count, per_ms, burst=None):
    return {"count": count, "per_ms": per_ms, "burst": count if burst is None else burst}


def _action(action):
    if isinstance(action, list):
        return {"warn": action[1]}
    return {0: "deny", 2: "allow"}[action]
