"""Alters values before they are encoded, and bytes after."""

import copy

from cases.writer import Map, Raw, encode, head

NOW = 1_800_000_000
PERPETUAL = 253402300799
INTEGERS = [
    *(0, 1, 2, 3, 4, 5, 6, 7, 10, 16, 23, 24, 53, 54, 64, 255, 256, 65535, 65536, 2**32 - 1, 2**32),
    *(2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, NOW - 1, NOW, NOW + 1, PERPETUAL, PERPETUAL + 1),
    *(-1, -2, -5, -6, -7, -19, -24, -25, -(2**53) + 1, -(2**53), -(2**63), -(2**64), -65537, -65538),
]
LENGTHS = [0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 65]
# Heads and items that nothing may hold, and encodings that are not the shortest.
RAW = [
    *("f7", "f800", "f818", "f820", "f8ff", "f90000", "f97e00", "fa00000000", "fb0000000000000000", "ff", "e0"),
    *("f3", "fc", "c0", "c101", "d82a00", "d9ffff00", "c249010000000000000000", "1c", "1f", "3f", "df", "5c"),
    *("1800", "1817", "190000", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3800", "390017", "5f40ff"),
    *("5f4101ff", "7f6161ff", "9fff", "bfff", "9f01ff", "580101", "7801", "9801", "b80101", "5800", "780161"),
    *("61ff", "62c328", "63eda080", "64f4908080", "62c080", "6180", "41", "42", "61", "81", "a1", "a101"),
    *("1b", "19", "5bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff", "7bffffffffffffffff"),
    *("bb8000000000000000", "9b0000000000000401", "b90401", "a2010001", "a201000100", "a202000100", "a1f400"),
    *("a18000", "a1a000", "a1c00000", "a1f60000", "a200000000", "a241000040", "a261610060", "a22000200000"),
]


def value(rng, depth=0):
    """A value of any kind."""
    kind = rng.randrange(12 if depth < 9 else 8)
    if kind < 3:
        return rng.choice(INTEGERS)
    if kind == 3:
        return rng.randbytes(rng.choice(LENGTHS))
    if kind == 4:
        return text(rng)
    if kind == 5:
        return rng.choice([True, False, None])
    if kind in (6, 7):
        return Raw(bytes.fromhex(rng.choice(RAW)))
    if kind == 8:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 9:
        return Map([[key(rng), value(rng, depth + 1)] for _ in range(rng.randrange(4))])
    if kind == 10:
        return nested(rng.randrange(6, 11), rng.choice([4, 5]))
    return [0] * rng.choice([1, 2, 3, 16, 17, 64, 65, 255, 256])


def nested(depth, major):
    """Arrays or maps in one another."""
    return Raw((head(4, 1) if major == 4 else b"\xa1\x00") * depth + b"\x00")


def text(rng):
    digits = "abcdefghijklmnopqrstuvwxyz0123456789._:-"
    kind = rng.randrange(8)
    if kind < 4:
        return "".join(rng.choice(digits) for _ in range(rng.choice([1, 2, 3, 8, 63, 64, 65])))
    if kind == 4:
        return "x" * rng.choice([0, 255, 256, 257, 2048, 2049])
    if kind == 5:
        return "é" * rng.choice([1, 127, 128, 129]) + rng.choice(["", "a"])
    return rng.choice(["", "A", "a b", "\x00", "acme", "api", "pro", "calls", "é", "\U0001f600", "a/b", "ß"])


def key(rng):
    kind = rng.randrange(4)
    if kind < 2:
        return rng.choice([*range(20), *(-1, -2, -3, -4), *INTEGERS])
    return text(rng)[:40] if kind == 2 else rng.randbytes(rng.choice([0, 1, 4]))


def altered(rng, tree, times=None):
    """A copy of a value with something in it altered."""
    tree = copy.deepcopy(tree)
    for _ in range(times or rng.choice([1, 1, 1, 2, 3])):
        places = list(_places([tree]))
        container, at = rng.choice(places)
        holder = [tree] if container is None else container
        _alter(rng, holder, at)
        if container is None:
            tree = holder[0]
    return tree


def _places(root):
    """Every place of a value: the container (none for the value itself) and the place in it."""
    yield None, 0
    stack = [root[0]]
    while stack:
        found = stack.pop()
        if isinstance(found, Map):
            for entry in found.entries:
                yield entry, 0
                yield entry, 1
                stack.append(entry[1])
        elif isinstance(found, list):
            for at, item in enumerate(found):
                yield found, at
                stack.append(item)


def _alter(rng, container, at):
    found = container[at]
    kind = rng.randrange(8)
    if isinstance(found, Map) and kind < 6:
        return _alter_map(rng, found)
    if isinstance(found, list) and kind < 4:
        return _alter_list(rng, found)
    if isinstance(found, bool) or found is None:
        container[at] = value(rng)
    elif isinstance(found, int) and kind < 5:
        near = rng.choice([found + 1, found - 1, -found, -1 - found, found * 2, rng.choice(INTEGERS)])
        container[at] = max(-(2**64), min(near, 2**64 - 1))
    elif isinstance(found, (bytes, str)) and kind < 3 and found:
        container[at] = rng.choice([found[:-1], found + found[-1:], found[1:], found[:1] * len(found)])
    elif isinstance(found, bytes) and kind < 5 and found:
        flipped = bytearray(found)
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        container[at] = bytes(flipped)
    elif isinstance(found, str) and kind < 5:
        container[at] = text(rng)
    else:
        container[at] = value(rng)


def _alter_map(rng, found):
    kind = rng.randrange(6)
    if kind == 0 and found.entries:
        del found.entries[rng.randrange(len(found.entries))]
    elif kind == 1 and found.entries:
        entries = sorted(found.entries, key=lambda entry: encode(entry[0]))
        twice = rng.randrange(len(entries))
        entries.insert(twice, copy.deepcopy(entries[twice]))
        found.entries, found.as_is = entries, True
    elif kind == 2 and len(found.entries) > 1:
        entries = sorted(found.entries, key=lambda entry: encode(entry[0]))
        at = rng.randrange(len(entries) - 1)
        entries[at], entries[at + 1] = entries[at + 1], entries[at]
        found.entries, found.as_is = entries, True
    else:
        found.entries.append([key(rng), value(rng)])


def _alter_list(rng, found):
    kind = rng.randrange(4)
    if kind == 0 and found:
        del found[rng.randrange(len(found))]
    elif kind == 1 and found:
        found.append(copy.deepcopy(rng.choice(found)))
    elif kind == 2 and len(found) > 1:
        one, other = rng.randrange(len(found)), rng.randrange(len(found))
        found[one], found[other] = found[other], found[one]
    else:
        found.insert(rng.randrange(len(found) + 1), value(rng))


def altered_bytes(rng, data):
    """A copy of bytes with something in it altered."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = rng.choice([0x00, 0x18, 0x1F, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0, 0xF4, 0xF6, 0xFF, 0x5F])
        elif kind == 2:
            del data[at : at + rng.choice([1, 1, 2, 8])]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.choice([1, 1, 2, 8]))
        elif kind == 4:
            del data[at:]
        else:
            data[at:at] = bytes.fromhex(rng.choice(RAW))
    return bytes(data)
