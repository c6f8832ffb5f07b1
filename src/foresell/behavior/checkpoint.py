"""Where training stands, on disk: a killed run goes on from there to the very same losses.

    <folder>/state.json                          progress, and the name and sha256 of the file beside it
    <folder>/state-<epoch>-<step>.safetensors    weights, the best so far, their average, the
                                                 optimizer's moments

The JSON is exchanged by one rename, when the other file is whole. Nothing in either is ever executed. Several
processes read the same folder, and the first of them writes it.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from foresell.contracts.errors import ConflictError
from foresell.store.durable import json_bytes, sync_folder, write_durably

STATE_FILE = "state.json"
SAID = ("run", "file", "sha256")
Weights = dict[str, Tensor]


@dataclass
class Progress:
    """How far training is: the `epoch` and `step_of_epoch` to take next, `step` over all epochs, the sums of
    the epoch so far, a row of the `curve` for each finished epoch, and the best of them."""

    epoch: int = 0
    step_of_epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    num_targets: float = 0.0
    seconds: float = 0.0
    best_epoch: int = -1
    best_score: float | None = None
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class State:
    """What a training knows beside the model's weights and the optimizer's moments: how far it is, the best
    weights so far, and the average of the weights."""

    progress: Progress
    best: Weights
    average: Weights


@dataclass(frozen=True)
class Checkpoint:
    """Reads and writes the state of one training in a folder. `run`: what is trained on what, in short; a
    state of another run is refused."""

    folder: Path
    run: str

    def write(self, state: State, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        progress = state.progress
        tensors = {f"weights.{name}": tensor for name, tensor in model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
        tensors |= {f"average.{name}": tensor for name, tensor in state.average.items()}
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"moments.{number}.{name}": tensor for name, tensor in moments.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        # The last step of an epoch may be written twice, and a file that is pointed to must stay as it is.
        path = self.folder / f"state-{progress.epoch:05d}-{progress.step:09d}.safetensors"
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, path)
        said = {"run": self.run, "file": path.name, "sha256": _sha256_on_disk(path)}
        temporary = self.folder / f"{STATE_FILE}.new"
        write_durably(temporary, json_bytes({**said, "progress": _to_json(progress)}))
        temporary.replace(self.folder / STATE_FILE)
        sync_folder(self.folder)
        for old in self.folder.glob("state-*.safetensors"):
            if old != path:
                old.unlink()

    def read(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> State | None:
        """Put the model and the optimizer where they were; None, and nothing done, without a state. What
        is read lies on the model's device.

        Raises ConflictError for a state of another run or model, or one that is not as it was written.
        """
        if not (self.folder / STATE_FILE).exists():
            return None
        said = self._said()
        if said["run"] != self.run:
            raise self._of_another(f"{said['run']}, not {self.run}")
        path = self.folder / Path(said["file"]).name
        if not path.exists() or _sha256_on_disk(path) != said["sha256"]:
            raise self._damaged(path, "another sha256, or no file")
        tensors = load_file(path, device=str(next(model.parameters()).device))
        weights = _part(tensors, "weights.")
        if _shapes(weights) != _shapes(model.state_dict()):
            raise self._of_another("weights of other names or shapes than the model's")
        model.load_state_dict(weights)
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "moments.").items():
            number, moment = name.split(".", 1)
            moments.setdefault(int(number), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return State(said["progress"], _part(tensors, "best."), _part(tensors, "average."))

    def _said(self) -> dict[str, Any]:
        path = self.folder / STATE_FILE
        try:
            said = json.loads(path.read_bytes())
            return {**{name: str(said[name]) for name in SAID}, "progress": _from_json(said["progress"])}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(path, error) from error

    def _of_another(self, received: str) -> ConflictError:
        return ConflictError(
            f"The checkpoint in {self.folder} is of another training",
            received=received,
            do="Give another folder, or delete this one to begin anew.",
        )

    def _damaged(self, path: Path, received: object) -> ConflictError:
        return ConflictError(
            f"The checkpoint {path} is not as it was written",
            received=received,
            do=f"Delete {self.folder} to begin the training anew.",
        )


def _sha256_on_disk(path: Path) -> str:
    """Of what the disk, not only the page cache, holds."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_json(progress: Progress) -> dict[str, Any]:
    """JSON has no NaN, which scores are where nobody is held out: they are null."""
    score = progress.best_score
    curve = [{name: _none_for_nan(value) for name, value in row.items()} for row in progress.curve]
    return {
        **asdict(progress),
        "best_score": score if score is None else _none_for_nan(score),
        "curve": curve,
    }


def _from_json(fields: Mapping[str, Any]) -> Progress:
    progress = Progress(**fields)
    curve = [
        {name: math.nan if value is None else value for name, value in row.items()} for row in progress.curve
    ]
    return replace(progress, curve=curve)


def _none_for_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


def _shapes(weights: Weights) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in weights.items()}


def _part(tensors: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
