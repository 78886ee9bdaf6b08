"""Decides offline whether an API request may proceed.

Make a ``Gate`` once, with the keys that licences are signed with, and check each
request. It returns one explainable ``Decision`` on identity, entitlement, rate, quota
and revocation, from the licence alone, without a network call::

    import licentia

    gate = licentia.Gate("licpub1_...", audience="api.acme.example")
    decision = gate.check(token, features="export", meters={"calls": 1})
    if decision:
        print(decision.license.subject, decision.charge("calls").remaining)
    else:
        print(decision.http_status, decision.name, decision.explanation)

For a single check, ``licentia.verify(token, key)`` is enough.

Further modules: ``licentia.asgi``, ``licentia.wsgi`` and ``licentia.fastapi`` add a
gate to a web application, ``licentia.log`` sends decisions to ``logging``, and
``python -m licentia`` verifies and inspects licences.
"""

from licentia._licentia import (
    Catalogue,
    Charge,
    Code,
    Decision,
    Event,
    HolderKey,
    Issuer,
    Key,
    Keyset,
    License,
    Now,
    Proof,
    Receipts,
    Request,
    Reservation,
    RevocationBundle,
    Seat,
    SigningKey,
    Store,
    UnverifiedLicense,
    __version__,
    acknowledge,
    audit,
    cloud_events,
    codes,
    decode_token,
    encode_token,
    inspect,
    verify,
)
from licentia.background import Refiller, Watch
from licentia.errors import (
    DeniedError,
    InvalidArgumentError,
    LicentiaError,
    RejectedError,
    StoreError,
)
from licentia.gate import Gate

from licentia import _fork  # noqa: F401, I001  # pyright: ignore[reportUnusedImport]

__all__ = [
    "Catalogue",
    "Charge",
    "Code",
    "Decision",
    "DeniedError",
    "Event",
    "Gate",
    "HolderKey",
    "InvalidArgumentError",
    "Issuer",
    "Refiller",
    "Key",
    "Keyset",
    "License",
    "LicentiaError",
    "Now",
    "Proof",
    "Receipts",
    "RejectedError",
    "Request",
    "Reservation",
    "RevocationBundle",
    "Seat",
    "SigningKey",
    "Store",
    "StoreError",
    "UnverifiedLicense",
    "Watch",
    "__version__",
    "acknowledge",
    "audit",
    "cloud_events",
    "codes",
    "decode_token",
    "encode_token",
    "inspect",
    "verify",
]
