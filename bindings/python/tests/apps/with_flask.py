"""An application of Flask behind the middleware, for the tests."""

import os

from flask import Flask, request

from licentia import Gate, Request
from licentia.wsgi import LicenseMiddleware

app = Flask(__name__)
# Before the workers are forked, where gunicorn preloads this.
gate = Gate(os.environ["LICENTIA_KEY"], store=os.environ["LICENTIA_STORE"])
if token := os.environ.get("LICENTIA_ASK_FIRST"):
    asked = sum(bool(gate.check(token, meters="calls")) for _ in range(50))
    assert asked == 50, "the parent's own requests"
    other = Gate(os.environ["LICENTIA_KEY"], store=os.environ["LICENTIA_STORE"]).check(token, meters={"calls": 0})
    assert other.charges[0].limit - other.charges[0].remaining > 50, "nothing was taken ahead"
app.wsgi_app = LicenseMiddleware(  # type: ignore[method-assign]
    app.wsgi_app,
    gate,
    Request(features="export", meters="calls"),
    origin="http://api.test",
    exempt=["/health"],
)


@app.get("/health")
def health() -> str:
    return "ok"


@app.get("/export")
@app.get("/files/<path:name>")
def export(name: str = "") -> dict[str, str | int]:
    return {"for": request.environ["licentia.decision"].license.subject, "worker": os.getpid()}
