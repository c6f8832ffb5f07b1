"""Whether a library that only some models need is there, and what to do where it is not."""

from collections.abc import Mapping


def obstacle(model: str, needs: Mapping[str, tuple[str, str]]) -> str | None:
    """What to do before the model can be fitted; None: nothing.

    `needs`: model → what must be installed for it, and the extra that brings it.
    """
    from importlib import import_module
    from importlib.util import find_spec

    if model not in needs:
        return None
    library, extra = needs[model]
    if find_spec(library) is None:
        return f"pip install 'foresell[{extra}]'"
    try:
        import_module(library)
    except OSError as error:
        # Such as LightGBM without OpenMP, which no package of Python brings.
        return f"{library} cannot be loaded ({error}); on Debian: apt-get install libgomp1"
    return None
