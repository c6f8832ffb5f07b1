"""Artifacts: fitted models as folders of plain files, immutable, checked at every load.

    models/<name>/pointers.json         candidate, production → a version
    models/<name>/<version>/            manifest.json config.json scores.json CARD.md tables/*.parquet
                                        weights.safetensors, of models that have weights

Nothing in them is ever executed: tables are Parquet, weights safetensors, the rest JSON and text. What the
kind means is the caller's to look up, in a literal dict.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import ConflictError, InputError
from foresell.contracts.records import RECORDS
from foresell.contracts.results import RESULTS
from foresell.contracts.tables import TABLES
from foresell.store.durable import json_bytes, read_json, sync_folder, write_durably
from foresell.store.model_versions import VERSION, check_name, lock, point, resolve

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
WEIGHTS_FILE = "weights.safetensors"
LEARNING_PACKAGES = ("foresell", "numpy", "polars", "scipy", "statsforecast", "torch")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from. `training_tables`: table → Delta version; `cutoff`: of what it learned from,
    null: everything; `parents`: name/version; `epsilon`: of differential privacy, null: none."""

    training_tables: Mapping[str, int] = field(default_factory=dict)
    cutoff: datetime | None = None
    seed: int | None = None
    parents: tuple[str, ...] = ()
    code_commit: str | None = None
    epsilon: float | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model as it was saved, its files checked. `manifest` is the whole of manifest.json."""

    name: str
    version: str
    kind: str
    config: dict[str, Any]
    tables: "dict[str, polars.DataFrame]"
    scores: dict[str, Any]
    manifest: dict[str, Any]
    weights: "dict[str, NDArray[Any]]" = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


def save_artifact(
    models_folder: Path,
    name: str,
    kind: str,
    config: Mapping[str, Any],
    tables: "Mapping[str, polars.DataFrame]",
    scores: Mapping[str, Any],
    origin: Origin = Origin(),
    *,
    weights: "Mapping[str, NDArray[Any]] | None" = None,
    card: str = "",
) -> str:
    """Write a new version and give its number ("0001", "0002", …); the candidate pointer moves to it.

    The folder appears whole, by a rename, or not at all. `scores`: split → score → number, JSON-ready;
    `card`: Markdown for a person, after the heading. Raises InputError for names that are no plain lower-case
    words, for weights that are not finite, and for a table with a column that identifies a customer or an
    order: a model keeps nobody's rows.
    """
    for what in (name, kind, *tables):
        check_name(what)
    _refuse_identifiers(tables)
    home = models_folder / name
    work = home / f".work-{secrets.token_hex(8)}"
    try:
        (work / "tables").mkdir(parents=True)
        files = _contents(config, tables, scores, _card(name, kind, card))
        if weights:
            files[WEIGHTS_FILE] = _packed(weights)
        for path, content in files.items():
            write_durably(work / path, content)
        manifest = _manifest(name, kind, files, origin)
        return _publish(home, work, manifest)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def load_artifact(models_folder: Path, name: str, version: str = "production") -> Artifact:
    """A version, or what a pointer names. Every file's hash is checked before it is read.

    Raises NotFoundError for an unknown model, version or unset pointer; ConflictError where files are
    missing, added or changed, or the format is newer than this program.
    """
    number = resolve(models_folder, name, version)
    folder = models_folder / name / number
    manifest = read_json(folder / MANIFEST_FILE)
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ConflictError(
            f"The model {name}/{number} has a format that this program does not read",
            received=manifest.get("format_version"),
            do="Update foresell, or train the model again.",
        )
    contents = _checked_contents(folder, manifest, f"{name}/{number}")
    return Artifact(
        name,
        number,
        str(manifest["kind"]),
        json.loads(contents["config.json"]),
        {
            Path(path).stem: _frame(content)
            for path, content in contents.items()
            if path.startswith("tables/")
        },
        json.loads(contents["scores.json"]),
        manifest,
        _unpacked(contents[WEIGHTS_FILE]) if WEIGHTS_FILE in contents else {},
    )


def read_manifest(models_folder: Path, name: str, version: str = "production") -> dict[str, Any]:
    """What a version says of itself, its other files left alone. NotFoundError as `load_artifact`."""
    number = resolve(models_folder, name, version)
    manifest: dict[str, Any] = read_json(models_folder / name / number / MANIFEST_FILE)
    return manifest


def kind_of(models_folder: Path, name: str, version: str = "production") -> str:
    """What kind of model a version is. As `read_manifest`."""
    return str(read_manifest(models_folder, name, version)["kind"])


@cache
def _identifying_columns() -> frozenset[str]:
    tables = [*TABLES.values(), *RESULTS.values(), *RECORDS.values()]
    return frozenset(column.name for table in tables for column in table.columns if column.identifies)


def _refuse_identifiers(tables: "Mapping[str, polars.DataFrame]") -> None:
    for name, frame in tables.items():
        if found := sorted(_identifying_columns() & set(frame.columns)):
            raise InputError(
                f"The table '{name}' of a model holds rows of single customers",
                received=f"the columns {', '.join(found)}",
                do="Keep sums over customers only, so that erasing one leaves nothing behind.",
            )


def _contents(
    config: Mapping[str, Any], tables: "Mapping[str, polars.DataFrame]", scores: Mapping[str, Any], card: str
) -> dict[str, bytes]:
    files = {"config.json": json_bytes(config), "scores.json": json_bytes(scores), "CARD.md": card.encode()}
    for name, frame in tables.items():
        buffer = BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        files[f"tables/{name}.parquet"] = buffer.getvalue()
    return files


def _packed(weights: "Mapping[str, NDArray[Any]]") -> bytes:
    import numpy as np
    from safetensors.numpy import save

    if odd := sorted(name for name, array in weights.items() if not np.isfinite(array).all()):
        raise InputError(
            "A model with weights that are no numbers is not kept",
            received=f"NaN or infinity in {', '.join(odd)}",
            do="Train it again with a lower learning rate.",
        )
    content: bytes = save({name: np.ascontiguousarray(array) for name, array in weights.items()})
    return content


def _unpacked(content: bytes) -> "dict[str, NDArray[Any]]":
    from safetensors.numpy import load

    arrays: dict[str, NDArray[Any]] = load(content)
    return arrays


def _card(name: str, kind: str, card: str) -> str:
    heading = f"# {name}\n\nA model of the kind `{kind}`. Numbers: scores.json; origin: manifest.json."
    return f"{heading}\n\n{card}".rstrip() + "\n"


def _manifest(name: str, kind: str, files: Mapping[str, bytes], origin: Origin) -> dict[str, Any]:
    facts = asdict(origin)
    facts["cutoff"] = None if origin.cutoff is None else origin.cutoff.astimezone(UTC).isoformat()
    facts["privacy"] = {"epsilon": facts.pop("epsilon")}
    return {
        "format_version": FORMAT_VERSION,
        "name": name,
        "kind": kind,
        "created_at": datetime.now(UTC).isoformat(),
        **facts,
        "packages": _package_versions(),
        "files": {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())},
    }


def _package_versions() -> dict[str, str]:
    found = {}
    for package in LEARNING_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _publish(home: Path, work: Path, manifest: dict[str, Any]) -> str:
    """Give the finished folder its number and point the candidate at it."""
    with lock(home):
        taken = [int(entry.name) for entry in home.iterdir() if VERSION.fullmatch(entry.name)]
        version = f"{max(taken, default=0) + 1:04d}"
        write_durably(work / MANIFEST_FILE, json_bytes({**manifest, "version": version}))
        sync_folder(work / "tables")
        sync_folder(work)
        work.rename(home / version)
        sync_folder(home)
        point(home, "candidate", version)
    return version


def _checked_contents(folder: Path, manifest: Mapping[str, Any], label: str) -> dict[str, bytes]:
    """The bytes of every file of the manifest, hashes checked; the same bytes are then parsed."""
    listed: dict[str, str] = manifest["files"]
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}
    odd = (found - {MANIFEST_FILE}) ^ set(listed)
    contents = {}
    for path, digest in listed.items():
        if path in odd or (folder / path).is_symlink():
            continue
        content = (folder / path).read_bytes()
        if hashlib.sha256(content).hexdigest() == digest:
            contents[path] = content
    wrong = sorted(odd | (set(listed) - set(contents)))
    if wrong:
        raise ConflictError(
            f"The model {label} is not as it was saved",
            received=f"missing, added or changed: {', '.join(wrong)}",
            do="Restore it from a backup, or train it again.",
        )
    return contents


def _frame(content: bytes) -> "polars.DataFrame":
    import polars

    return polars.read_parquet(BytesIO(content))
