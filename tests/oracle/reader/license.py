"""A licence against a request: "Order of the checks" of `docs/token-format.md`, without what only a gate has."""

from dataclasses import dataclass, field

from reader import claims, cose, ed25519, text
from reader import proof as possession
from reader.refusal import require

TYP = "application/vnd.licentia.license+cwt"


@dataclass
class Request:
    """What the caller expects of a licence."""

    issuer: str | None = None
    audience: str | None = None
    skew: int = 60
    features: list = field(default_factory=list)
    node: bytes | None = None
    release: int | None = None
    proof: possession.Presented | None = None


def from_text(written):
    """The token of a text form (as bytes)."""
    return text.decode(written, b"lic1_")


def verify(token, keys):
    """Frame, key, signature and claims: what depends on token and keys alone. Gives key and claims."""
    signed = cose.read(token, TYP)
    key = find(signed, keys)
    return key, claims.read(signed.payload)


def find(signed, keys):
    """The key whose signature it is."""
    named = [key for key in keys if key.kid == signed.kid]
    require(named, "unknown_key")
    require(len({key.public for key in named}) == 1, "ambiguous_key")
    require(signed.alg == cose.ED25519, "algorithm_mismatch")
    require(ed25519.verifies(named[0].public, signed.signature, signed.signed), "bad_signature")
    return named[0]


def time(found, request, now):
    """The state at a time."""
    require(now < found["exp"], "expired")
    require(now + request.skew >= found["iat"], "issued_in_future")
    require(now + request.skew >= found.get("nbf", 0), "not_yet_valid")
    term_end = found["grant"].get("term_end")
    return "grace" if term_end is not None and now >= term_end else "active"


def expected(found, request):
    """Issuer and audience."""
    if request.issuer is not None:
        require(found["iss"] == request.issuer, "issuer_mismatch")
    if "aud" in found:
        require(request.audience in found["aud"], "audience_mismatch")


def fresh(found, now):
    """Without a bundle, revocation data is stale from the time of issue on for a licence that asks for some."""
    policy = found["grant"].get("policy", {})
    if 3 in policy:
        action = policy.get(0, 0)
        tolerated = action == 2 or (isinstance(action, tuple) and now - found["iat"] <= action[1])
        require(tolerated, "revocation_stale")


def granted(found, request, now):
    """Machine, release, holder and features."""
    grant = found["grant"]
    if "node_locks" in grant:
        require(request.node is not None, "node_required")
        require(request.node in grant["node_locks"], "node_mismatch")
    if "maintained_until" in grant:
        require(request.release is not None, "release_required")
        require(request.release <= grant["maintained_until"], "release_not_covered")
    if "cnf" in found:
        possession.check(request.proof, found, now)
    features = grant.get("features", {})
    for name in request.features:
        require(name in features, "feature_not_licensed")
        expires = features[name][1]
        require(expires is None or now < expires, "feature_expired")


def authorize(found, request, now):
    """All checks of a verified licence; gives its state."""
    state = time(found, request, now)
    expected(found, request)
    fresh(found, now)
    granted(found, request, now)
    return state
