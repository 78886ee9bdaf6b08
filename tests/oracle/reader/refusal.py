"""Why something was refused: one exception, which carries the name of the code."""


class Refusal(Exception):
    """An input is refused, with the name of a code of `docs/token-format.md`."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def require(condition, code):
    """Refuses with this code unless the condition holds."""
    if not condition:
        raise Refusal(code)
