"""A page for people to read, written so that nobody ever opens half of it."""

from pathlib import Path

from foresell.contracts.errors import DeniedError


def write_page_file(path: Path, text: str, kind: str) -> None:
    """Replace the file at once, making its folder. `kind`: what the error calls it, such as "report".

    DeniedError where the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise DeniedError(
            f"The {kind} cannot be written to {path}",
            received=error.strerror,
            do="Choose a folder that you may write and a disk with space left.",
        ) from error
