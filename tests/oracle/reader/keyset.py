"""Keysets: `docs/keyset-format.md`."""

from dataclasses import dataclass, field

from reader import cose, ed25519, limits, scope
from reader.cbor import UNSIGNED, Reader
from reader.key import Key, thumbprint
from reader.key import read as read_key
from reader.refusal import require

TYP = "application/vnd.licentia.keyset+cbor"
ACTIVE, RETIRED, REVOKED = range(3)
LICENSES, REVOCATION = range(2)


@dataclass
class Entry:
    key: Key = None
    not_before: int = 0
    not_after: int = limits.TIME
    status: int = ACTIVE
    scope: dict = field(default_factory=dict)
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
    schema = _schema(signed.payload, len(data))
    found = _payload(signed.payload, schema)
    _compare(found.entries, root, schema)
    return found


def _schema(payload, length):
    """The schema, which has the first of all labels and is looked at before the rest is read."""
    reader = Reader(payload)
    for label in reader.keys(reader.map()):
        if label == 0:
            schema = reader.of(UNSIGNED)[1]
            require(schema != 1 or length <= limits.FIRST_KEYSET_BYTES, "token_too_long")
            require(schema in (1, 2), "unsupported_schema")
            return schema
        break
    return 1


def _payload(payload, schema):
    reader = Reader(payload, limits.ITEMS if schema == 1 else limits.KEYSET_ITEMS)
    found = {}
    for label in reader.keys(reader.map()):
        if label == 0:
            found[0] = reader.number()
        elif label == 1:
            found[1] = reader.number()
        elif label in (2, 3):
            found[label] = reader.time()
        elif label == 4:
            found[4] = [_entry(reader, schema) for _ in range(reader.array(1, limits.KEYSET_KEYS))]
        else:
            require(not (isinstance(label, int) and label < 0), "unknown_critical_field")
            reader.skip()
    require({0, 1, 2, 3, 4} <= set(found), "missing_field")
    reader.end()
    return Keyset(found[1], found[2], found[3], found[4])


def _compare(entries, root, schema):
    """No key and no identifier is there twice; schema 2 bounds both, and windows."""
    kids, publics = set(), set()
    for entry in entries:
        kid, public = entry.key.kid, entry.key.public
        require(kid not in kids and public not in publics, "ambiguous_key")
        kids.add(kid)
        publics.add(public)
        if schema == 2:
            named = len(kid) >= 4 and thumbprint(public).startswith(kid)
            require(named and public != root.public, "invalid_key")
            require(entry.not_before <= entry.not_after, "invalid_value")


def _entry(reader, schema):
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
            entry.scope = scope.read(reader, schema)
        elif label == 5:
            entry.purpose = reader.number(0, 1)
        else:
            require(False, "unknown_critical_field")
    require(entry.key is not None, "missing_field")
    return entry


def permits(entry, claims):
    """Whether a key may have signed these claims: `key_scope`."""
    require(entry.status != REVOKED, "key_revoked")
    require(entry.not_before <= claims["iat"] <= entry.not_after, "key_not_active")
    require(scope.permits(entry.scope, claims), "key_out_of_scope")
