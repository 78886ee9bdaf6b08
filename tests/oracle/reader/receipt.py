"""Receipts and acknowledgements: `docs/receipt-format.md`."""

from dataclasses import dataclass

from reader import cose, ed25519, key, limits
from reader.cbor import SIMPLE, NULL, Reader
from reader.refusal import Refusal, require

RECEIPT = "application/vnd.licentia.receipt+cbor"
ACKNOWLEDGEMENT = "application/vnd.licentia.acknowledgement+cbor"
MALFORMED, FORGED = "receipt_malformed", "receipt_forged"


@dataclass(frozen=True)
class Entry:
    issuer: str
    lineage: bytes
    meter: str
    start: int
    end: int | None
    count: int
    refunded: int

    def order(self):
        end = (0, 0) if self.end is None else (1, self.end)
        return self.issuer.encode(), self.lineage, self.meter.encode(), self.start, end


@dataclass
class Receipt:
    instance: bytes
    sequence: int
    before: bytes
    issued_at: int
    entries: list
    acknowledged: tuple | None
    since: int


@dataclass
class Acknowledgement:
    instance: bytes
    sequence: int
    digest: bytes
    issued_at: int


def _malformed(function, *arguments):
    """Every refusal of what is read is one of a malformed receipt."""
    try:
        return function(*arguments)
    except Refusal:
        raise Refusal(MALFORMED) from None


def read(data):
    """A receipt, which its own instance has signed."""
    signed = _malformed(cose.read, data, RECEIPT, limits.RECEIPT_BYTES)
    receipt = _malformed(_receipt, signed)
    require(signed.kid == key.thumbprint(receipt.instance), FORGED)
    require(_signed(signed, receipt.instance), FORGED)
    return receipt


def _signed(signed, public):
    try:
        return signed.alg == cose.ED25519 and ed25519.verifies(public, signed.signature, signed.signed)
    except Refusal:
        return False


def _receipt(signed):
    reader = Reader(signed.payload, limits.RECEIPT_ITEMS)
    known = {1: _digest, 2: _sequence, 3: _digest, 4: _time, 5: _entries, 6: _link}
    first = _schema(signed.payload, (1, 2)) == 1
    if first:
        known[5] = _first_entries
    else:
        known[7] = _number
    found = _fields(reader, known, {6}, 1 if first else 2)
    receipt = Receipt(*(found.get(label) for label in range(1, 8)))
    if first:
        receipt.since = receipt.acknowledged[0] if receipt.acknowledged else 0
    require(receipt.since < receipt.sequence, MALFORMED)
    require((receipt.sequence == 1) == (receipt.before == bytes(32)), MALFORMED)
    if receipt.acknowledged:
        require(receipt.acknowledged[0] < receipt.sequence, MALFORMED)
    orders = [entry.order() for entry in receipt.entries]
    require(all(one < next for one, next in zip(orders, orders[1:])), MALFORMED)
    return receipt


def _schema(payload, known):
    """The schema, which comes first, since keys ascend."""
    reader = Reader(payload, limits.RECEIPT_ITEMS)
    for label in reader.keys(reader.map()):
        require(label == 0, MALFORMED)
        schema = reader.number()
        require(schema in known, MALFORMED)
        return schema
    raise Refusal(MALFORMED)


def _fields(reader, known, optional=frozenset(), schema=1):
    found = {}
    for label in reader.keys(reader.map()):
        if label == 0:
            require(reader.number() == schema, MALFORMED)
            found[0] = 1
        elif label in known:
            found[label] = known[label](reader)
        else:
            require(not (isinstance(label, int) and label < 0), MALFORMED)
            reader.skip()
    require({0, *known} - optional <= set(found), MALFORMED)
    reader.end()
    return found


def _digest(reader):
    return reader.sized(32)


def _sequence(reader):
    return reader.number(1)


def _time(reader):
    return reader.time()


def _number(reader):
    return reader.number()


def _link(reader):
    require(reader.array() == 2, MALFORMED)
    return reader.number(1), reader.sized(32)


def _entries(reader):
    return [_entry(reader) for _ in range(reader.array(0, limits.RECEIPT_ENTRIES))]


def _first_entries(reader):
    return [_first_entry(reader) for _ in range(reader.array(0, limits.RECEIPT_ENTRIES))]


def _entry(reader):
    require(reader.array() == 7, MALFORMED)
    issuer = reader.any_text()
    require(isinstance(issuer, str) and len(issuer.encode()) <= limits.TEXT_BYTES, MALFORMED)
    counted = _counted(reader)
    return Entry(issuer, *counted, reader.number())


def _first_entry(reader):
    require(reader.array() == 5, MALFORMED)
    return Entry("", *_counted(reader), 0)


def _counted(reader):
    lineage, meter, start = reader.sized(16), reader.name(), reader.number()
    if reader.peek() == SIMPLE:
        require(reader.head()[1] == NULL, MALFORMED)
        end = None
    else:
        end = reader.number()
        require(end > start, MALFORMED)
    return lineage, meter, start, end, reader.number()


def acknowledgement(data, keys):
    """An acknowledgement that one of these keys has signed."""
    signed = _malformed(cose.read, data, ACKNOWLEDGEMENT)
    named = [one for one in keys if one.kid == signed.kid]
    require(named, "unknown_key")
    require(len({one.public for one in named}) == 1, "ambiguous_key")
    require(_signed(signed, named[0].public), FORGED)
    reader = Reader(signed.payload)
    found = _malformed(_fields, reader, {1: _digest, 2: _sequence, 3: _digest, 4: _time})
    return Acknowledgement(*(found[label] for label in range(1, 5)))
