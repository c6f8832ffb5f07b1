"""Any Python string as one that every encoder takes."""

CONTROLS = dict.fromkeys([*range(32), 127], " ")


def plain(text: str) -> str:
    """Halves of surrogate pairs put together, lone ones replaced (they are no UTF-8); control characters, of
    which NUL ends a text for C, are spaces.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.translate(CONTROLS).strip()
