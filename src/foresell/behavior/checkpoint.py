"""Where training stands, on disk: a killed run goes on from there to the very same losses.

    <folder>/state.json                  progress, and the name and sha256 of the file beside it
    <folder>/state-<step>.safetensors    weights, the best weights so far, the optimizer's moments

The JSON is exchanged by one rename, when the other file is whole. Nothing in either is ever executed.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from foresell.contracts.errors import ConflictError
from foresell.store.durable import json_bytes, write_durably

STATE_FILE = "state.json"
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
class Checkpoint:
    """Reads and writes the state of one training in a folder. `run`: what is trained on what, in short; a
    state of another run is refused."""

    folder: Path
    run: str

    def write(
        self, progress: Progress, model: nn.Module, best: Weights, optimizer: torch.optim.Optimizer
    ) -> None:
        tensors = {f"weights.{name}": tensor for name, tensor in model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"moments.{number}.{name}": tensor for name, tensor in moments.items()}
        content = save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()})
        name = f"state-{progress.step:09d}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durably(self.folder / name, content)
        said = {"run": self.run, "file": name, "sha256": hashlib.sha256(content).hexdigest()}
        temporary = self.folder / f"{STATE_FILE}.new"
        write_durably(temporary, json_bytes({**said, "progress": asdict(progress)}))
        temporary.replace(self.folder / STATE_FILE)
        for old in self.folder.glob("state-*.safetensors"):
            if old.name != name:
                old.unlink()

    def read(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Progress, Weights] | None:
        """Put the model and the optimizer where they were; None, and nothing done, without a state.

        Raises ConflictError for a state of another run, or one that is not as it was written.
        """
        if not (self.folder / STATE_FILE).exists():
            return None
        said = json.loads((self.folder / STATE_FILE).read_text())
        if said["run"] != self.run:
            raise ConflictError(
                f"The checkpoint in {self.folder} is of another training",
                received=f"{said['run']}, not {self.run}",
                do="Give another folder, or delete this one to begin anew.",
            )
        path = self.folder / Path(said["file"]).name
        content = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(content).hexdigest() != said["sha256"]:
            raise ConflictError(
                f"The checkpoint {path} is not as it was written",
                received="another sha256, or no file",
                do=f"Delete {self.folder} to begin the training anew.",
            )
        tensors = load(content)
        model.load_state_dict(_part(tensors, "weights."))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "moments.").items():
            number, moment = name.split(".", 1)
            state.setdefault(int(number), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        return Progress(**said["progress"]), _part(tensors, "best.")


def _part(tensors: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
