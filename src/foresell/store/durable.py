"""Small files written so that they are either whole and on the disk, or not there."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresell.contracts.errors import BackendError, ConflictError


def json_bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n"


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BackendError(
            f"{path} cannot be read", received=error, do="Restore it from a backup."
        ) from error
    if not isinstance(value, dict):
        raise ConflictError(f"{path} is damaged", do="Restore it from a backup, or train the model again.")
    return value


def write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
