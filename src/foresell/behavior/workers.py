"""Several processes that train one model: each takes its share of a batch, and all take the same step.

`torchrun --nproc-per-node 2 …` starts them and says by environment who is who; a plain process is alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from foresell.contracts.errors import ConflictError

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Workers:
    """`rank` of this process among `number`; `device`: where its share is computed."""

    rank: int = 0
    number: int = 1
    device: torch.device = CPU

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def add_up(self, values: Tensor) -> Tensor:
        """The sum over all processes, in every one of them."""
        if self.number > 1:
            distributed.all_reduce(values)
        return values

    def add_up_gradients(self, model: nn.Module) -> None:
        """Every process gets the sum of all gradients; a parameter that a share did not use counts as 0."""
        if self.number == 1:
            return
        parameters = list(model.parameters())
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        whole = torch.cat(
            [parameter.grad.flatten() for parameter in parameters if parameter.grad is not None]
        )
        self.add_up(whole)
        parts = torch.split(whole, [parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def share_weights(self, model: nn.Module) -> None:
        """Every process gets the weights of the first."""
        if self.number > 1:
            for tensor in model.state_dict().values():
                distributed.broadcast(tensor, src=0)

    def stand_together(self, step: int) -> None:
        """Raises ConflictError, in all of them, where processes are to go on from different steps."""
        if self.number == 1:
            return
        steps = torch.tensor([step, -step], device=self.device)
        distributed.all_reduce(steps, distributed.ReduceOp.MAX)
        if int(steps[0]) != -int(steps[1]):
            raise ConflictError(
                "The processes found different checkpoints",
                received=f"steps from {-int(steps[1])} to {int(steps[0])}",
                do="Give them one folder that all of them see.",
            )


ALONE = Workers()


def alone(device: str = "auto") -> Workers:
    """A process that trains by itself: on a GPU where there is one."""
    return Workers(device=_device(device))


@contextmanager
def join_workers(device: str = "auto") -> Iterator[Workers]:
    """This process among those that torchrun started; NCCL between GPUs, gloo between processors."""
    number = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    chosen = _device(device)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if number == 1:
        yield Workers(device=chosen)
        return
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Workers(rank, number, chosen)
    finally:
        distributed.destroy_process_group()


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return torch.device(name)
