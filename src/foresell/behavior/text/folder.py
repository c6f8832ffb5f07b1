"""A text model in a folder of this machine: sentence-transformers, or an ONNX file with its tokenizer.

Nothing is downloaded, and no code of the folder is run. Which of the two it is, its files say:

    modules.json                                  sentence-transformers; needs the package of that name
    model.onnx or onnx/model.onnx, tokenizer.json ONNX; needs onnxruntime and tokenizers
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foresell.behavior.text.plain import plain
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODULES_FILE, TOKENIZER_FILE = "modules.json", "tokenizer.json"
ONNX_FILES = ("model.onnx", "onnx/model.onnx")
TEXTS_AT_ONCE = 32
MOST_TOKENS = 512
HASHED_AT_ONCE = 1 << 20

Encode = Callable[[list[str]], "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class FolderEncoder:
    """`name` follows from the bytes of the folder's files, so that a changed model is another one."""

    name: str
    width: int
    encode_some: Encode

    def encode(self, texts: list[str]) -> "NDArray[np.float32]":
        vectors = np.zeros((len(texts), self.width), np.float32)
        cleaned = [plain(text) for text in texts]
        said = [place for place, text in enumerate(cleaned) if text]
        for start in range(0, len(said), TEXTS_AT_ONCE):
            some = said[start : start + TEXTS_AT_ONCE]
            vectors[some] = _of_length_one(self.encode_some([cleaned[place] for place in some]))
        return vectors


def make(argument: str) -> FolderEncoder:
    """`argument`: the folder's path. Raises InputError where it is no such folder, cannot be read as its
    files say, or needs a package that is not installed.
    """
    folder = Path(argument).expanduser()
    if not argument or not folder.is_dir():
        raise InputError(
            "There is no folder with a text model", received=argument, do="Give its path: folder:/models/e5."
        )
    onnx_file = next((folder / name for name in ONNX_FILES if (folder / name).is_file()), None)
    if (folder / MODULES_FILE).is_file() and (_is_installed("sentence_transformers") or onnx_file is None):
        open_model = _sentence_transformers
        _need(folder, "sentence_transformers")
    elif onnx_file is not None and (folder / TOKENIZER_FILE).is_file():
        open_model = _onnx
        _need(folder, "onnxruntime", "tokenizers")
    else:
        raise InputError(
            "The folder holds no text model that is known",
            received=folder,
            do=f"It needs {MODULES_FILE} (sentence-transformers), or {TOKENIZER_FILE} and one of "
            f"{', '.join(ONNX_FILES)}.",
        )
    try:
        encode_some = open_model(folder)
        width = encode_some(["width"]).shape[1]
    except Exception as error:  # onnxruntime and tokenizers raise Exception itself and kinds of their own
        raise InputError(
            f"The text model in {folder} cannot be read", received=error, do="Get its files again."
        ) from error
    return FolderEncoder(f"folder-{_fingerprint(folder)}", width, encode_some)


def _is_installed(package: str) -> bool:
    return find_spec(package) is not None


def _need(folder: Path, *packages: str) -> None:
    if missing := [package.replace("_", "-") for package in packages if not _is_installed(package)]:
        raise InputError(
            f"The text model in {folder} needs {' and '.join(missing)}",
            do=f"pip install {' '.join(missing)}, or use another encoder, such as 'hashed'.",
        )


def _sentence_transformers(folder: Path) -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
    return lambda texts: np.asarray(
        model.encode(texts, batch_size=len(texts), show_progress_bar=False), np.float32
    )


def _onnx(folder: Path) -> Encode:
    """Mean of the token vectors of the last layer, or the sentence vectors where the model gives these."""
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.enable_truncation(MOST_TOKENS)
    if tokenizer.padding is None:
        tokenizer.enable_padding()
    path = next(folder / name for name in ONNX_FILES if (folder / name).is_file())
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = {one.name for one in session.get_inputs()}

    def encode_some(texts: list[str]) -> "NDArray[np.float32]":
        tokens = tokenizer.encode_batch(texts)
        given = {
            "input_ids": np.array([one.ids for one in tokens], np.int64),
            "attention_mask": np.array([one.attention_mask for one in tokens], np.int64),
            "token_type_ids": np.array([one.type_ids for one in tokens], np.int64),
        }
        found = session.run(None, {name: given[name] for name in wanted})[0]
        return found if found.ndim == 2 else _mean(found, given["attention_mask"])

    return encode_some


def _mean(vectors: Any, mask: Any) -> "NDArray[np.float32]":
    sums = (vectors * mask[:, :, None]).sum(axis=1)
    means: NDArray[np.float32] = (sums / np.maximum(mask.sum(axis=1), 1)[:, None]).astype(np.float32)
    return means


def _of_length_one(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while some := file.read(HASHED_AT_ONCE):
                digest.update(some)
    return digest.hexdigest()[:16]
