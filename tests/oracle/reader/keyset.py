"""Keysets: `docs/keyset-format.md`."""

from dataclasses import dataclass, field

from reader import cose, ed25519, limits
from reader.cbor import Reader
from reader.key import Key
from reader.key import read as read_key
from reader.refusal import require

TYP = "application/vnd.licentia.keyset+cbor"
ACTIVE, RETIRED, REVOKED = range(3)
LICENSES, REVOCATION = range(2)


@dataclass
class Scope:
    issuers: list | None = None
    audiences: list | None = None
    tiers: list | None = None
    term: int | None = None


@dataclass
class Entry:
    key: Key = None
    not_before: int = 0
    not_after: int = limits.TIME
    status: int = ACTIVE
    scope: Scope = field(default_factory=Scope)
    purpose: int = LICENSES


@dataclass
class Keyset:
    sequence: int
    issued_at: int
    expires: int
    entries: list

    def of(self, purpose):
        """The entries whose keys sign this, each found by its `kid`."""
        return [entry for entry in self.entries if entry.purpose == purpose]


def read(data, root):
    """A keyset that is signed by the root key."""
    signed = cose.read(data, TYP, limits.KEYSET_BYTES)
    require(signed.kid == root.kid, "unknown_key")
    require(signed.alg == cose.ED25519, "algorithm_mismatch")
    require(ed25519.verifies(root.public, signed.signature, signed.signed), "bad_signature")
    return _payload(signed.payload)


def _payload(payload):
    reader = Reader(payload)
    found = {}
    for label in reader.keys(reader.map()):
        if label == 0:
            require(reader.of(0)[1] == 1, "unsupported_schema")
            found[0] = 1
        elif label == 1:
            found[1] = reader.number()
        elif label in (2, 3):
            found[label] = reader.time()
        elif label == 4:
            found[4] = [_entry(reader) for _ in range(reader.array(1, limits.KEYSET_KEYS))]
        else:
            require(not (isinstance(label, int) and label < 0), "unknown_critical_field")
            reader.skip()
    require({0, 1, 2, 3, 4} <= set(found), "missing_field")
    reader.end()
    return Keyset(found[1], found[2], found[3], found[4])


def _entry(reader):
    entry = Entry()
    for label in reader.keys(reader.map()):
        if label == 0:
            entry.key = read_key(reader)
        elif label == 1:
            entry.not_before = reader.time()
        elif label == 2:
            entry.not_after = reader.time()
        elif label == 3:
            entry.status = reader.number(0, 2)
        elif label == 4:
            entry.scope = _scope(reader)
        elif label == 5:
            entry.purpose = reader.number(0, 1)
        else:
            require(False, "unknown_critical_field")
    require(entry.key is not None, "missing_field")
    return entry


def _scope(reader):
    scope = Scope()
    for label in reader.keys(reader.map()):
        if label == 0:
            scope.issuers = _list(reader)
        elif label == 1:
            scope.audiences = _list(reader)
        elif label == 2:
            scope.tiers = _list(reader)
        elif label == 3:
            scope.term = reader.number()
        else:
            require(False, "unknown_critical_field")
    return scope


def _list(reader):
    return [reader.text() for _ in range(reader.array(1, limits.SCOPE_LIST))]


def permits(entry, claims):
    """Whether a key may have signed these claims: `key_scope`."""
    require(entry.status != REVOKED, "key_revoked")
    require(entry.not_before <= claims["iat"] <= entry.not_after, "key_not_active")
    scope = entry.scope
    covered = (
        (scope.issuers is None or claims["iss"] in scope.issuers)
        and (scope.audiences is None or _within(claims.get("aud", []), scope.audiences))
        and (scope.tiers is None or claims["grant"]["tier"][0] in scope.tiers)
        and (scope.term is None or claims["exp"] - claims["iat"] <= scope.term)
    )
    require(covered, "key_out_of_scope")


def _within(audiences, permitted):
    """A licence names some, and only these."""
    return bool(audiences) and set(audiences) <= set(permitted)
