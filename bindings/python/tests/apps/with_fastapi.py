"""An application of FastAPI behind a gate, for the tests."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from licentia import Gate, License
from licentia.fastapi import install, licensed

app = FastAPI()
install(app, Gate(os.environ["LICENTIA_KEY"], store=os.environ["LICENTIA_STORE"]), origin="http://api.test")


@app.get("/health")
def health() -> str:
    return "ok"


@app.get("/files/{name:path}")
@app.get("/export")
def export(
    license: Annotated[License, Depends(licensed(feature="export", meter="calls"))],
) -> dict[str, str | int]:
    return {"for": license.subject, "worker": os.getpid()}


@app.get("/gold")
async def gold(license: Annotated[License, Depends(licensed(feature="gold"))]) -> None:
    raise AssertionError(license)
