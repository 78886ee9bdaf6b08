"""Claims and grant: "Fields" of `docs/token-format.md`, read into plain dictionaries."""

from reader import key, limits
from reader.cbor import ARRAY, SIMPLE, TEXT, TRUE, UNSIGNED, Reader, as_name, as_text
from reader.refusal import Refusal, require

GRANT = -65537
REQUIRED = {"iss", "sub", "exp", "iat", "cti", "grant"}


def read(payload):
    """The claims of a licence."""
    reader = Reader(payload)
    found = {}
    for label in reader.keys(reader.map()):
        if label == 1:
            found["iss"] = reader.text()
        elif label == 2:
            found["sub"] = reader.text()
        elif label == 3:
            found["aud"] = _audiences(reader)
        elif label == 4:
            found["exp"] = reader.time()
        elif label == 5:
            found["nbf"] = reader.time()
        elif label == 6:
            found["iat"] = reader.time()
        elif label == 7:
            found["cti"] = reader.sized(16)
        elif label == 8:
            found["cnf"] = _confirmation(reader)
        elif label == 65535:
            _status(reader)
        elif label == GRANT:
            found["grant"] = _grant(reader)
        else:
            reader.skip()
    require(set(found) >= REQUIRED, "missing_field")
    reader.end()
    return found


def _audiences(reader):
    if reader.peek() == TEXT:
        return [reader.text()]
    return [reader.text() for _ in range(reader.array(1, limits.AUDIENCES))]


def _status(reader):
    for _ in reader.keys(reader.map()):
        reader.skip(1)


def _confirmation(reader):
    count = reader.map()
    require(count == 1, "unsupported_confirmation")
    for method in reader.keys(count):
        if method == 1:
            return {"key": key.holder(reader)}
        if method == 5:
            return {"thumbprint": reader.sized(32)}
    raise Refusal("unsupported_confirmation")


def _grant(reader):
    found = {}
    for label in reader.keys(reader.map()):
        if label == 0:
            require(reader.of(UNSIGNED)[1] == 1, "unsupported_schema")
            found["schema"] = 1
        elif label == 1:
            require(reader.array() == 2, "invalid_value")
            found["tier"] = reader.name(), reader.number()
        elif label == 2:
            found["features"] = named(reader, limits.FEATURES, _feature)
        elif label == 3:
            found["quotas"] = named(reader, limits.QUOTAS, quota)
        elif label == 4:
            found["rates"] = named(reader, limits.RATES, rate)
        elif label == 5:
            found["term_end"] = reader.time()
        elif label == 6:
            found["seats"] = reader.number()
        elif label == 7:
            found["policy"] = policy(reader)
        elif label == 8:
            found["node_locks"] = [reader.sized(32) for _ in range(reader.array(1, limits.NODE_LOCKS))]
        elif label == 9:
            found["maintained_until"] = reader.time()
        elif label == 10:
            found["kind"] = reader.number(0, 3)
        elif label == 11:
            keys = reader.keys(reader.map(1, limits.META))
            found["meta"] = {as_text(name): reader.text() for name in keys}
        elif label == 12:
            found["lineage"] = reader.sized(16)
        elif label == 13:
            found["index"] = reader.number()
        elif label == 14:
            found["stream"] = reader.number()
        else:
            _unknown(reader, label)
    require({"schema", "tier"} <= set(found), "missing_field")
    return found


def _unknown(reader, label):
    """A field of a grant or policy that is not known: fatal where its label is negative."""
    require(not (isinstance(label, int) and label < 0), "unknown_critical_field")
    reader.skip()


def named(reader, most, value):
    return {as_name(name): value(reader) for name in reader.keys(reader.map(1, most))}


def _feature(reader):
    if reader.peek() != ARRAY:
        return _value(reader), None
    require(reader.array() == 2, "invalid_value")
    return _value(reader), reader.time()


def _value(reader):
    major = reader.peek()
    if major == SIMPLE:
        require(reader.head()[1] == TRUE, "invalid_value")
        return True
    if major == TEXT:
        return reader.text()
    return reader.number(-limits.INTEGER)


def quota(reader):
    count = reader.array()
    require(count in (2, 3), "invalid_value")
    limit = reader.number()
    period = _period(reader)
    overage = _overage(reader, limit) if count == 3 else 0
    return limit, period, overage


def _period(reader):
    if reader.peek() != ARRAY:
        return reader.number(0, 6)
    require(reader.array() == 2, "invalid_value")
    unit = reader.number(-limits.INTEGER)
    require(unit in (-5, -6) or unit >= 1, "invalid_value")
    return unit, reader.time()


def _overage(reader, limit):
    if reader.peek() != ARRAY:
        value = reader.number()
        require(value in (0, 2), "invalid_value")
        return value
    require(reader.array() == 2, "invalid_value")
    require(reader.number() == 1, "invalid_value")
    hard_limit = reader.number()
    require(hard_limit >= limit, "invalid_value")
    return 1, hard_limit


def rate(reader):
    count = reader.array()
    require(count in (2, 3), "invalid_value")
    found = [reader.number(1) for _ in range(count)]
    return tuple(found if count == 3 else [*found, found[0]])


def policy(reader):
    found = {}
    for label in reader.keys(reader.map(1, limits.POLICY)):
        if label in (0, 1, 2):
            found[label] = action(reader)
        elif label == 3:
            found[label] = reader.number()
        else:
            _unknown(reader, label)
    return found


def action(reader):
    if reader.peek() != ARRAY:
        value = reader.number()
        require(value in (0, 2), "invalid_value")
        return value
    require(reader.array() == 2, "invalid_value")
    require(reader.number() == 1, "invalid_value")
    return 1, reader.number()


KINDS = ["paid", "trial", "developer", "internal"]
PERIODS = ["lifetime", "minute", "hour", "day", "week", "month", "year"]
CALENDAR = {-5: "month_from", -6: "year_from"}


def show(kid, claims):
    """The claims in the one shape in which every language shows them."""
    grant = claims["grant"]
    policy = grant.get("policy", {})
    tier, version = grant["tier"]
    confirmation = claims.get("cnf")
    return {
        "kid": kid.hex(),
        "iss": claims["iss"],
        "sub": claims["sub"],
        "aud": claims.get("aud", []),
        "exp": claims["exp"],
        "nbf": claims.get("nbf"),
        "iat": claims["iat"],
        "cti": claims["cti"].hex(),
        "cnf": confirmation and {name: value.hex() for name, value in confirmation.items()},
        "tier": {"name": tier, "version": version},
        "features": {
            name: {"value": value, "expires": expires}
            for name, (value, expires) in grant.get("features", {}).items()
        },
        "quotas": {
            name: {"limit": limit, "period": _show_period(period), "overage": _show_overage(overage)}
            for name, (limit, period, overage) in grant.get("quotas", {}).items()
        },
        "rates": {
            name: {"count": count, "per_ms": per_ms, "burst": burst}
            for name, (count, per_ms, burst) in grant.get("rates", {}).items()
        },
        "term_end": grant.get("term_end"),
        "seats": grant.get("seats"),
        "policy": {
            "stale_revocation": _show_action(policy.get(0, 0)),
            "clock_doubt": _show_action(policy.get(1, 0)),
            "store_unreachable": _show_action(policy.get(2, 0)),
            "max_revocation_age": policy.get(3),
        },
        "node_locks": [lock.hex() for lock in grant.get("node_locks", [])],
        "maintained_until": grant.get("maintained_until"),
        "kind": KINDS[grant.get("kind", 0)],
        "meta": grant.get("meta", {}),
        "lineage": grant.get("lineage", claims["cti"]).hex(),
        "index": grant.get("index"),
        "stream": grant.get("stream", 0),
    }


def _show_period(period):
    if isinstance(period, int):
        return PERIODS[period]
    unit, anchor = period
    return {CALENDAR[unit]: anchor} if unit in CALENDAR else {"seconds": unit, "anchor": anchor}


def _show_overage(overage):
    return {"up_to": overage[1]} if isinstance(overage, tuple) else {0: "deny", 2: "unlimited"}[overage]


def _show_action(action):
    return {"warn": action[1]} if isinstance(action, tuple) else {0: "deny", 2: "allow"}[action]
