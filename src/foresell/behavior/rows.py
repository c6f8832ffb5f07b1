"""The gradient of a large embedding, of which a step looks up few rows.

Autograd makes it anew at every look-up, as large as the embedding and almost all of it 0: with 66,000
products of width 64, and the five look-ups of a step, near half of its time. Here the rows looked up are laid
into one array that stays.
"""

import torch
from torch import Tensor, nn

# 8 MB, from where on filling it with 0 can be felt.
LARGE = 2_000_000


class RowGradients:
    """Of a model's embeddings of at least LARGE weights, from now until `end`. What the optimizer sees is the
    gradient that it would have seen."""

    def __init__(self, model: nn.Module) -> None:
        self._embeddings = [
            module
            for module in model.modules()
            if isinstance(module, nn.Embedding) and module.weight.numel() >= LARGE
        ]
        self._hooks = []
        for module in self._embeddings:
            module.sparse = True
            self._hooks.append(module.weight.register_post_accumulate_grad_hook(_Whole(module.weight)))

    def end(self) -> None:
        for module, hook in zip(self._embeddings, self._hooks, strict=True):
            module.sparse = False
            module.weight.grad = None
            hook.remove()


class _Whole:
    def __init__(self, weight: Tensor) -> None:
        self.gradient = torch.zeros_like(weight, requires_grad=False)
        self.filled = torch.zeros(0, dtype=torch.int64, device=weight.device)

    def __call__(self, weight: Tensor) -> None:
        if weight.grad is None or not weight.grad.is_sparse:
            return
        rows = weight.grad.coalesce()
        self.gradient[self.filled] = 0
        self.filled = rows.indices()[0]
        self.gradient[self.filled] = rows.values()
        weight.grad = self.gradient
