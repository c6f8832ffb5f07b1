"""The versions of each saved model, and the pointers that name the ones in use."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.store.durable import json_bytes, read_json, sync_folder, write_durably

POINTERS = ("candidate", "production")
POINTERS_FILE = "pointers.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
VERSION = re.compile(r"[0-9]{4,9}")


def versions(models_folder: Path, name: str) -> list[str]:
    """The versions of a model, oldest first; none for an unknown one."""
    check_name(name)
    home = models_folder / name
    found = [path.name for path in home.iterdir()] if home.is_dir() else []
    return sorted((entry for entry in found if VERSION.fullmatch(entry)), key=int)


def list_models(models_folder: Path) -> dict[str, list[str]]:
    """Every model with its versions."""
    names = sorted(path.name for path in models_folder.iterdir()) if models_folder.is_dir() else []
    return {name: versions(models_folder, name) for name in names if NAME.fullmatch(name)}


def pointers(models_folder: Path, name: str) -> dict[str, str]:
    """Which version each pointer that is set names."""
    check_name(name)
    path = models_folder / name / POINTERS_FILE
    return {str(k): str(v) for k, v in read_json(path).items()} if path.exists() else {}


def set_pointer(models_folder: Path, name: str, pointer: str, version: str) -> None:
    """Point `candidate` or `production` at a version, in one step for every reader."""
    if pointer not in POINTERS:
        raise InputError(f"There is no pointer '{pointer}'", do=did_you_mean(pointer, POINTERS))
    number = resolve(models_folder, name, version)
    with lock(models_folder / name):
        point(models_folder / name, pointer, number)


def resolve(models_folder: Path, name: str, version: str) -> str:
    """The number of a version or pointer; NotFoundError names what there is."""
    known = versions(models_folder, name)
    if not known:
        there = ", ".join(found for found, its in list_models(models_folder).items() if its) or "none yet"
        raise NotFoundError(f"There is no model '{name}'", do=f"Models: {there}.")
    if version in POINTERS:
        number = pointers(models_folder, name).get(version)
        if number is None:
            raise NotFoundError(f"The model '{name}' has no {version} version", do="Set the pointer first.")
        version = number
    if version not in known:
        raise NotFoundError(
            f"The model '{name}' has no version '{version}'", do=f"Versions: {', '.join(known)}."
        )
    return version


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InputError(
            "That is no name for a model or a table of it",
            received=repr(name),
            do="Use lower-case letters, digits, - and _, up to 63 of them.",
        )


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """One writer of a model's folder at a time; the kernel frees it with its process."""
    handle = os.open(home / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def point(home: Path, pointer: str, version: str) -> None:
    """Write a pointer; the caller holds the lock."""
    path = home / POINTERS_FILE
    now = read_json(path) if path.exists() else {}
    fresh = home / f".{POINTERS_FILE}-{secrets.token_hex(8)}"
    write_durably(fresh, json_bytes({**now, pointer: version}))
    fresh.replace(path)
    sync_folder(home)
