"""``python -m licentia``: verifies and inspects licences."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import licentia


def main(arguments: list[str] | None = None) -> int:
    """Runs the command. Returns 0, 1 if the licence is refused, or 2 for a mistake."""
    parser = argparse.ArgumentParser(prog="python -m licentia", description="Verifies and inspects licences.")
    parser.add_argument("--version", action="version", version=f"licentia {licentia.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="verify a licence; the exit status is 1 if it is refused")
    verify.add_argument("--key", action="append", required=True, help="public key that it may be signed with")
    verify.add_argument("--audience", help="name of the service")
    verify.add_argument("--issuer", help="issuer that it must be from")
    verify.add_argument("--feature", action="append", default=[], help="feature that it must have")
    verify.add_argument("--at", type=int, help="time of the check, in seconds since 1970; now by default")
    inspect = commands.add_parser("inspect", help="show the claims of a licence without verifying it")
    for command in (verify, inspect):
        command.add_argument("file", nargs="?", default="-", help="file with the licence; `-` is standard input")
        command.add_argument("--json", action="store_true", help="write JSON")
    given = parser.parse_args(arguments)
    try:
        text = sys.stdin.read() if given.file == "-" else Path(given.file).read_text("utf-8")
        return _inspect(given, text.strip()) if given.command == "inspect" else _verify(given, text.strip())
    except (OSError, ValueError, licentia.LicentiaError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _inspect(given: argparse.Namespace, token: str) -> int:
    claims = licentia.inspect(token).to_dict()
    if not given.json:
        print("Not verified: anyone could have written this.", file=sys.stderr)
    print(json.dumps(claims, indent=None if given.json else 2, ensure_ascii=not sys.stdout.isatty()))
    return 0


def _verify(given: argparse.Namespace, token: str) -> int:
    decision = licentia.verify(
        token,
        given.key,
        audience=given.audience,
        issuer=given.issuer,
        features=given.feature,
        now=given.at,
    )
    if given.json:
        print(decision.to_json())
    else:
        result, state = ("allowed", f" ({decision.state})") if decision else ("denied", "")
        print(f"{result}: {decision.code} {decision.name}{state}")
        print(decision.explanation)
    return 0 if decision else 1


if __name__ == "__main__":
    sys.exit(main())
