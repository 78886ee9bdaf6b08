"""The encoding: "Rules of strictness" of `docs/token-format.md`, read from front to back."""

from reader import limits
from reader.refusal import Refusal, require

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
FALSE, TRUE, NULL = 20, 21, 22


def as_text(value):
    """A text of a known field, or the key of a map whose keys are texts."""
    require(isinstance(value, str), "wrong_type")
    require(1 <= len(value.encode()) <= limits.TEXT_BYTES, "invalid_value")
    return value


def as_name(value):
    """A name of a tier, feature, meter or rate."""
    require(isinstance(value, str), "wrong_type")
    require(1 <= len(value) <= limits.NAME_BYTES, "invalid_value")
    require(set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789._:-"), "invalid_value")
    return value


class Reader:
    """Reads one part (a frame, a header, a payload) item by item."""

    def __init__(self, data, items=limits.ITEMS):
        """`items` is how many data items there may be; none where their number is bounded otherwise."""
        self.data = data
        self.at = 0
        self.items = items

    def left(self):
        return len(self.data) - self.at

    def peek(self):
        """The major type of the next item, which is not read yet."""
        require(self.left() > 0, "truncated")
        return self.data[self.at] >> 5

    def head(self):
        """Major type and argument of the next item."""
        if self.items is not None:
            require(self.items > 0, "too_complex")
            self.items -= 1
        require(self.left() > 0, "truncated")
        first = self.data[self.at]
        major, info = first >> 5, first & 31
        if major == SIMPLE:
            require(info in (FALSE, TRUE, NULL), "forbidden_item")
        return major, self._argument(info)

    def fits(self, major, argument):
        """What an item says of its size is there: a byte for each byte, and for each item at least one."""
        sizes = {BYTES: 1, TEXT: 1, ARRAY: 1, MAP: 2}
        require(argument * sizes.get(major, 0) <= self.left(), "truncated")

    def _argument(self, info):
        """The number of a head whose last five bits are `info`, in its shortest form."""
        require(info != 31, "not_deterministic")
        require(info < 28, "forbidden_item")
        self.at += 1
        if info < 24:
            return info
        length = 1 << (info - 24)
        require(self.left() >= length, "truncated")
        value = int.from_bytes(self.take(length), "big")
        require(value >= (24, 1 << 8, 1 << 16, 1 << 32)[info - 24], "not_deterministic")
        return value

    def take(self, length):
        taken = self.data[self.at : self.at + length]
        self.at += length
        return taken

    def end(self):
        """Nothing follows."""
        require(self.left() == 0, "trailing_bytes")

    # Items of one type.

    def of(self, *majors):
        """The head of an item of one of these types."""
        major, argument = self.head()
        require(major != TAG, "forbidden_item")
        require(major in majors, "wrong_type")
        self.fits(major, argument)
        return major, argument

    def integer(self):
        """Any integer of CBOR's."""
        major, argument = self.of(UNSIGNED, NEGATIVE)
        return argument if major == UNSIGNED else -1 - argument

    def number(self, least=0, most=limits.INTEGER):
        """An integer of a known field. Where no number below zero makes sense, one is of a wrong type."""
        value = self.integer() if least < 0 else self.of(UNSIGNED)[1]
        require(least <= value <= most, "invalid_value")
        return value

    def time(self):
        return self.number(0, limits.TIME)

    def bytes(self):
        _, length = self.of(BYTES)
        return self.take(length)

    def sized(self, length):
        """A byte string of this length."""
        value = self.bytes()
        require(len(value) == length, "invalid_value")
        return value

    def any_text(self):
        _, length = self.of(TEXT)
        return self.utf8(length)

    def utf8(self, length):
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal("invalid_utf8") from None

    def text(self):
        """A text of a known field."""
        return as_text(self.any_text())

    def name(self):
        return as_name(self.any_text())

    def array(self, least=0, most=None):
        """The head of an array; gives its count."""
        return self._count(ARRAY, least, most)

    def map(self, least=0, most=None):
        """The head of a map; gives its count."""
        return self._count(MAP, least, most)

    def _count(self, major, least, most):
        _, count = self.of(major)
        require(least <= count and (most is None or count <= most), "invalid_value")
        return count

    def keys(self, count):
        """Reads the keys of a map of `count` entries, one before each turn; the caller reads the value.

        Keys ascend by their encoded bytes.
        """
        last = b""
        for _ in range(count):
            start = self.at
            value = self._key()
            encoded = self.data[start : self.at]
            require(encoded != last, "duplicate_key")
            require(encoded > last, "unsorted_keys")
            last = encoded
            yield value

    def _key(self):
        """A map key: an integer, a text or a byte string."""
        major, argument = self.of(UNSIGNED, NEGATIVE, BYTES, TEXT)
        if major == UNSIGNED:
            return argument
        if major == NEGATIVE:
            return -1 - argument
        if major == BYTES:
            return self.take(argument)
        return self.utf8(argument)

    def skip(self, depth=0):
        """Reads over an item that is not known."""
        major, argument = self.of(*(set(range(8)) - {TAG}))
        if major == BYTES:
            self.take(argument)
        elif major == TEXT:
            self.utf8(argument)
        elif major in (ARRAY, MAP):
            require(depth < limits.DEPTH, "too_complex")
            if major == ARRAY:
                for _ in range(argument):
                    self.skip(depth + 1)
            else:
                for _ in self.keys(argument):
                    self.skip(depth + 1)
