"""URIs of proofs: the normalisation of RFC 3986, sections 6.2.2 and 6.2.3, that `docs/proof-format.md` asks for."""

import re

PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
UNRESERVED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


def same(one, other):
    """Whether two URIs are the same; what is empty is none."""
    return normal(one) == normal(other) != (None, None, "", "")


def normal(uri):
    scheme, authority, path, query = PARTS.fullmatch(uri).groups()
    scheme = scheme and _lower(scheme)
    if authority is not None:
        authority = _authority(authority, scheme)
    path = _dots(_percent(path))
    if authority is not None and path == "":
        path = "/"
    return scheme, authority, path, _percent(query or "")


def _lower(text):
    """ASCII letters alone have a case here."""
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), text)


def _authority(authority, scheme):
    user, at, host = authority.rpartition("@")
    port = re.search(r":([0-9]*)$", host)
    if port and port[1] in ("", PORTS.get(scheme)):
        host = host[: port.start()]
    return _percent(user) + at + _lower(_percent(host))


def _percent(text):
    """Percent-encodings in capitals, and none of what needs no encoding."""

    def one(found):
        letter = chr(int(found[1], 16))
        return letter if letter in UNRESERVED else found[0].upper()

    return re.sub("%([0-9A-Fa-f]{2})", one, text)


def _dots(path):
    """Removes dot segments: RFC 3986, section 5.2.4."""
    if not path.startswith("/"):
        return path
    kept = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
