"""The scope of a key: "Scopes" of `docs/keyset-format.md`."""

from reader import claims, limits
from reader.cbor import ARRAY, SIMPLE, TRUE, as_name
from reader.refusal import require

FIRST = range(4)
DAY = 86400
FOREVER = float("inf")
# Shortest and longest window of each period, in seconds.
LENGTHS = {
    **{0: (FOREVER, FOREVER), 1: (60, 60), 2: (3600, 3600), 3: (DAY, DAY), 4: (7 * DAY, 7 * DAY)},
    **{5: (28 * DAY, 31 * DAY), 6: (365 * DAY, 366 * DAY), -5: (28 * DAY, 31 * DAY), -6: (365 * DAY, 366 * DAY)},
}


def read(reader, schema):
    """The bounds of a scope, by their labels."""
    found = {}
    for label in reader.keys(reader.map()):
        require(label in READERS and (schema == 2 or label in FIRST), "unknown_critical_field")
        found[label] = READERS[label](reader)
    return found


def _list(read_one, most=limits.SCOPE_LIST):
    return lambda reader: [read_one(reader) for _ in range(reader.array(1, most))]


def _named(read_one):
    return lambda reader: {
        as_name(name): read_one(reader) for name in reader.keys(reader.map(0, limits.SCOPE_LIST))
    }


def _feature(reader):
    if reader.peek() == ARRAY:
        return _list(lambda inner: inner.text())(reader)
    if reader.peek() == SIMPLE:
        require(reader.head()[1] == TRUE, "invalid_value")
        return True
    return reader.number(-limits.INTEGER)


def _range(reader):
    require(reader.array() == 2, "invalid_value")
    first = reader.number()
    return first, reader.number(first)


def _bound_policy(reader):
    """A policy, in which nothing that is unknown is ignored."""
    found = {}
    for label in reader.keys(reader.map(1, limits.POLICY)):
        require(label in range(4), "unknown_critical_field")
        found[label] = reader.number() if label == 3 else claims.action(reader)
    return found


READERS = {
    **dict.fromkeys(range(3), _list(lambda reader: reader.text())),
    **dict.fromkeys((3, 4, 8), lambda reader: reader.number()),
    5: _named(_feature),
    6: _named(claims.quota),
    7: _named(claims.rate),
    9: _bound_policy,
    10: _list(lambda reader: reader.number(0, 3)),
    11: _range,
    12: _list(lambda reader: reader.number()),
}


def permits(scope, found):
    """Whether a licence of these claims is within every bound that is present."""
    return all(BOUNDS[label](bound, found, scope) for label, bound in scope.items())


def _audiences(bound, found, _):
    """A licence names at least one, and only these."""
    named = found.get("aud", [])
    return bool(named) and set(named) <= set(bound)


def _term(bound, found, scope):
    start = found["iat"]
    if 4 in scope:
        start = max(start, found.get("nbf", 0))
    return found["exp"] - start <= bound


def _each(field, within):
    """Each entry of the licence's is listed, and within what is listed."""

    def check(bound, found, _):
        entries = found["grant"].get(field, {})
        return all(name in bound and within(one, bound[name]) for name, one in entries.items())

    return check


def _feature_within(feature, bound):
    value, _ = feature
    if isinstance(bound, list):
        return value in bound if isinstance(value, str) else False
    if bound is True or value is True or isinstance(value, str):
        return value is bound
    return value <= bound


def _quota_within(quota, bound):
    (limit, period, overage), (most, longest, lenient) = quota, bound
    return limit <= most and _overage_within(overage, lenient) and _period_within(period, longest)


def _overage_within(overage, bound):
    """Deny is stricter than up to a limit, and that than without end."""
    as_limit = {0: 0, 2: FOREVER}
    one, other = (as_limit[it] if isinstance(it, int) else it[1] for it in (overage, bound))
    return one <= other if 0 not in (overage, bound) else overage == 0


def _kind(period):
    unit = period if isinstance(period, int) else period[0]
    return abs(unit) if isinstance(period, int) or unit < 0 else None


def _lengths(period):
    if isinstance(period, int):
        return LENGTHS[period]
    unit, _ = period
    return LENGTHS[unit] if unit < 0 else (unit, unit)


def _period_within(period, bound):
    if _kind(period) is not None and _kind(period) == _kind(bound):
        return True
    return _lengths(period)[0] >= _lengths(bound)[1]


def _rate_within(rate, bound):
    (count, per_ms, burst), (most, most_per, most_burst) = rate, bound
    return burst <= most_burst and count * most_per <= most * per_ms


def _policy(bound, found, _):
    policy = found["grant"].get("policy", {})
    ages = policy.get(3), bound.get(3)
    has_age = ages[1] is None or (ages[0] is not None and ages[0] <= ages[1])
    return has_age and all(_leniency(policy.get(key, 0)) <= _leniency(bound.get(key, 0)) for key in range(3))


def _leniency(action):
    """Deny, warn for fewer seconds, allow."""
    return (1, action[1]) if isinstance(action, tuple) else (action, 0)


def _grant(field, default, within):
    return lambda bound, found, _: within(found["grant"].get(field, default), bound)


BOUNDS = {
    0: lambda bound, found, _: found["iss"] in bound,
    1: _audiences,
    2: lambda bound, found, _: found["grant"]["tier"][0] in bound,
    3: _term,
    4: lambda bound, found, _: found.get("nbf", 0) - found["iat"] <= bound,
    5: _each("features", _feature_within),
    6: _each("quotas", _quota_within),
    7: _each("rates", _rate_within),
    8: _grant("seats", None, lambda seats, most: seats is None or seats <= most),
    9: _policy,
    10: _grant("kind", 0, lambda kind, kinds: kind in kinds),
    11: _grant("index", None, lambda index, range_: index is not None and range_[0] <= index <= range_[1]),
    12: _grant("stream", 0, lambda stream, streams: stream in streams),
}
