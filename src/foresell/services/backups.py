"""Back-up while the store is in use, and the way back from a copy.

A copy holds what was committed, accepted and logged when its part was copied. Everything that was
acknowledged before the back-up began is in it; nothing is in it twice.
"""

import hashlib
import hmac
import os
import shutil
from pathlib import Path

from foresell.contracts.errors import BackendError, ConflictError, InputError, NotFoundError
from foresell.services.shop import Progress, Shop, open_shop, silent
from foresell.services.upkeep import verify
from foresell.services.writing import writing
from foresell.store.durable import sync_folder

STATE = "state.sqlite"
# The state comes first: its heads of logs are then never ahead of the logs.
PARTS = (STATE, "foresell.toml", "raw", "tables", "models", "logs")
KEY_CHECK = "key_check"


def backup(shop: Shop, target: Path, progress: Progress = silent) -> Path:
    """Copy the whole store to a new folder that is a store itself; on the disk when it returns.

    Events are accepted, answers given and logged meanwhile; imports wait. The store's key is not in the copy:
    keep it apart. ConflictError where something is there, InputError for a place inside the store.
    """
    target = target.resolve()
    _require_new(target)
    if target.is_relative_to(shop.folder.root):
        raise InputError("A backup cannot lie inside its store", received=target, do="Choose another folder.")
    from foresell.services.live.shared_shop import carried

    with writing(shop, "backup", progress), carried(shop):
        _copy_store(shop, target, progress)
    _note_key(shop, open_shop(target))
    return target


def restore_backup(copy: Path, target: Path, progress: Progress = silent) -> Shop:
    """Make a store of a backup in a new folder, after every file of it was checked; the copy stays as it is.

    ConflictError where something is at `target`, where the copy is damaged, and where the key at hand is not
    the one that made its tokens; NotFoundError without a key or a copy.
    """
    target = target.resolve()
    _require_new(target)
    kept = open_shop(copy)
    _require_key(kept)
    problems = verify(kept, progress).problems
    if problems:
        raise ConflictError(
            "This backup is damaged", received=problems[0], do="Take an older one; this one stays as it is."
        )
    _copy_store(kept, target, progress)
    return open_shop(target)


def _copy_store(shop: Shop, target: Path, progress: Progress) -> None:
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    for index, name in enumerate(PARTS):
        progress(f"copying {name}", index, len(PARTS))
        if name == STATE:
            shop.folder.state.copy_to(partial / name)
        else:
            _copy(shop.folder.root / name, partial / name)
    _publish(partial, target)


def _require_new(target: Path) -> None:
    if target.exists():
        raise ConflictError(f"{target} exists already", do="Name a folder that does not exist yet.")


def _note_key(shop: Shop, copy: Shop) -> None:
    """Let the copy know its key by a proof, if the key is at hand: the wrong one would make other tokens of
    the same people."""
    try:
        copy.folder.state.set_meta(KEY_CHECK, _proof(shop.key))
    except NotFoundError:
        return


def _require_key(kept: Shop) -> None:
    noted = kept.folder.state.meta(KEY_CHECK)
    if noted is not None and not hmac.compare_digest(noted, _proof(kept.key)):
        raise ConflictError(
            "The key at hand is not this backup's",
            do="Give the key that the store had when it was copied ($FORESELL_KEY): with another one nobody "
            "who comes again would be known.",
        )


def _proof(key: bytes) -> str:
    return hmac.new(key, b"foresell key check", hashlib.sha256).hexdigest()


def _copy(source: Path, target: Path) -> None:
    """What others are just making has a hidden name, and may be gone the next moment: it is no part yet."""
    try:
        if source.is_dir():
            shutil.copytree(
                source, target, ignore=shutil.ignore_patterns(".*"), copy_function=_copied_durably
            )
        elif source.exists():
            _copied_durably(str(source), str(target))
    except OSError as error:
        raise BackendError(
            f"{source.name} could not be copied", received=error, do="Free disk space, and try again."
        ) from error


def _copied_durably(source: str, target: str) -> str:
    shutil.copy2(source, target)
    with Path(target).open("rb") as file:
        os.fsync(file.fileno())
    return target


def _publish(partial: Path, target: Path) -> None:
    """The copy appears whole, and stays so after a power cut."""
    with (partial / STATE).open("rb") as file:
        os.fsync(file.fileno())
    for folder, _, _ in os.walk(partial):
        sync_folder(Path(folder))
    partial.rename(target)
    sync_folder(target.parent)
