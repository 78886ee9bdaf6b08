"""The exact set of indices: "Exact set" of `docs/revocation-format.md`."""

from collections import Counter

from reader import limits
from reader.refusal import require

MALFORMED = "bundle_malformed"
SMALL, SMALL_COUNT, GROUP, CROWDED = 128, 1024, 64, 1024


class Bits:
    """Bits from the high end of each byte."""

    def __init__(self, data):
        self.bits = bin(int.from_bytes(b"\x01" + data, "big"))[3:]
        self.count = len(self.bits)
        self.at = 0

    def ones(self):
        """How many ones come before the next zero, which is read too."""
        zero = self.bits.find("0", self.at)
        require(zero >= 0, MALFORMED)
        count, self.at = zero - self.at, zero + 1
        return count

    def number(self, length):
        """A number of so many bits."""
        require(self.at + length <= self.count, MALFORMED)
        self.at += length
        return int(self.bits[self.at - length : self.at] or "0", 2)

    def fill(self):
        """Whether nothing follows but less than a byte of ones."""
        left = self.count - self.at
        return left < 8 and "0" not in self.bits[self.at :]


def members(section):
    """The indices of a set, ascending, and how many the fullest chunk has. An empty section is the empty set."""
    if not section:
        return [], 0
    if section[0] == 1:
        return _with_directory(section)
    require(section[0] >= SMALL, MALFORMED)
    rice = section[0] - SMALL
    require(rice < 54, MALFORMED)
    bits = Bits(section[1:])
    found = _chunk(bits, rice, 0, limits.INTEGER + 1, None)
    require(len(found) <= SMALL_COUNT, MALFORMED)
    return found, len(found)


def _chunk(bits, rice, first, after, end):
    """The members of a chunk, up to the bit `end`, or where there is none up to the end of the section."""
    found, following = [], first
    while not (bits.fill() if end is None else bits.at >= end):
        member = following + (bits.ones() << rice) + bits.number(rice)
        require(member < after and member <= limits.INTEGER, MALFORMED)
        found.append(member)
        following = member + 1
    return found


def _with_directory(section):
    require(len(section) >= 16, MALFORMED)
    rice, chunk, wide = section[1:4]
    count = int.from_bytes(section[4:12], "little")
    chunks = int.from_bytes(section[12:16], "little")
    require(rice < 54 and chunk < 54 and wide < 2 and chunks > 0, MALFORMED)
    anchors = 16
    entries = anchors + (chunks + GROUP - 1) // GROUP * 8
    size = 4 if wide else 2
    start = entries + chunks * size
    require(start <= len(section), MALFORMED)

    def begin(number):
        anchor = section[anchors + number // GROUP * 8 :][:8]
        entry = section[entries + number * size :][:size]
        return int.from_bytes(anchor, "little") + int.from_bytes(entry, "little")

    require(chunks <= count and (chunks - 1) << chunk <= limits.INTEGER, MALFORMED)
    bits, found, fullest = Bits(section[start:]), [], 0
    for number in range(chunks):
        require(begin(number) == bits.at, MALFORMED)
        end = begin(number + 1) if number + 1 < chunks else None
        within = _chunk(bits, rice, number << chunk, (number + 1) << chunk, end)
        found += within
        fullest = max(fullest, len(within))
        require(end is None or bits.at == end, MALFORMED)
        require(len(found) <= limits.REVOKED, MALFORMED)
    require(within and len(found) == count, MALFORMED)
    return found, fullest


def write(indices, schema=1):
    """The set of a state, with the parameters that its size prescribes."""
    if not indices:
        return b""
    indices = sorted(indices)
    count, span = len(indices), indices[-1] + 1
    mean = span * 1000 // count * 693 // 1000000
    rice = mean.bit_length() - 1 if mean >= 2 else 0
    if count <= SMALL_COUNT:
        return bytes([SMALL + rice]) + _pack(_code(indices, rice, 0))
    chunk = (40 * -(-span // count) - 1).bit_length()
    if schema == 2:
        while _most(indices, chunk) > CROWDED and (indices[-1] >> (chunk - 1)) + 1 <= count:
            chunk -= 1
    chunks = (indices[-1] >> chunk) + 1
    codes = [[] for _ in range(chunks)]
    for index in indices:
        codes[index >> chunk].append(index)
    begins, written = [], []
    length = 0
    for number, found in enumerate(codes):
        begins.append(length)
        written.append(_code(found, rice, number << chunk))
        length += len(written[-1])
    anchors = begins[::GROUP]
    relative = [begin - anchors[number // GROUP] for number, begin in enumerate(begins)]
    wide = int(max(relative) > 0xFFFF)
    return b"".join(
        [
            bytes([1, rice, chunk, wide]),
            count.to_bytes(8, "little"),
            chunks.to_bytes(4, "little"),
            *(anchor.to_bytes(8, "little") for anchor in anchors),
            *(entry.to_bytes(4 if wide else 2, "little") for entry in relative),
            _pack("".join(written)),
        ]
    )


def _most(indices, chunk):
    """How many members the most crowded chunk has."""
    return max(Counter(index >> chunk for index in indices).values())


def _code(indices, rice, following):
    """The bits of the members of a chunk, as a text of `0` and `1`."""
    written = []
    for index in indices:
        gap = index - following
        low = format(gap & ((1 << rice) - 1), f"0{rice}b") if rice else ""
        written.append("1" * (gap >> rice) + "0" + low)
        following = index + 1
    return "".join(written)


def _pack(bits):
    bits += "1" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big")
