"""From what a window is encoded to, quantiles of every step ahead.

B windows    C periods of context    H steps    F, A, S features of a past period, a step ahead, a series
D width of the state
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.predict.forecast.model import LEVELS, MEDIAN, QUANTILES
from foresell.predict.forecast.neural.windows import Facts

NUM_LEVELS = len(LEVELS)
MIDDLE = QUANTILES.index(MEDIAN)
STEP_WIDTH = 64
SMALL_STD = 0.01
# Of a gap between quantiles before anything is learned, as softplus takes it.
NARROW = -2.0


class SeriesNetwork(nn.Module):
    """`encode` is the model's own. The median is a linear map of the past values plus what the state and each
    step's own features say; the other quantiles lie above and below it by positive amounts, so that they
    cannot cross. The mean is learned from all that without changing it."""

    def __init__(self, facts: Facts, ahead: int, static: int, width: int, dropout: float) -> None:
        super().__init__()
        self.horizon = facts.horizon
        self.linear = nn.Linear(facts.context, facts.horizon)
        self.of_state = nn.Linear(width, facts.horizon * NUM_LEVELS)
        self.state_of_step = nn.Linear(width + static, STEP_WIDTH)
        self.ahead_of_step = nn.Linear(ahead, STEP_WIDTH)
        self.within_step = nn.Linear(STEP_WIDTH, STEP_WIDTH)
        self.of_step = nn.Linear(STEP_WIDTH, NUM_LEVELS)
        self.mean = nn.Linear(STEP_WIDTH, 1)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.of_state, self.of_step, self.mean):
            nn.init.normal_(layer.weight, std=SMALL_STD)
        # It begins as the mean of the context, or as the newest value where changes are told.
        nn.init.constant_(self.linear.weight, 0.0 if facts.unit == "change" else 1 / facts.context)
        nn.init.zeros_(self.linear.bias)
        nn.init.constant_(self.of_step.bias, NARROW)
        with torch.no_grad():
            self.of_step.bias[MIDDLE] = 0.0

    def encode(self, past: Tensor) -> Tensor:
        """(B, D) of `past`, (B, C, F): its first two features are the values, squashed, and whether they are
        known."""
        raise NotImplementedError

    def forward(self, past: Tensor, ahead: Tensor, static: Tensor) -> tuple[Tensor, Tensor]:
        """(B, H, levels) quantiles and (B, H) means, as the windows tell values. `past` (B, C, F), `ahead`
        (B, H, A), `static` (B, S)."""
        values = past[:, :, 0]
        # Far values are told by their logarithm: those that are 50 steps away would drown the others.
        squashed = torch.cat([torch.asinh(past[:, :, :1]), past[:, :, 1:]], dim=2)
        state = self.encode(squashed)
        of_state = self.of_state(state).view(-1, self.horizon, NUM_LEVELS)
        of_series = self.state_of_step(torch.cat([state, static], dim=1))
        of_steps = functional.gelu(of_series[:, None, :] + self.ahead_of_step(torch.asinh(ahead)))
        of_steps = functional.gelu(self.within_step(self.dropout(of_steps)))
        told = of_state + self.of_step(of_steps)
        median = self.linear(values) + told[:, :, MIDDLE]
        above = functional.softplus(told[:, :, MIDDLE + 1 :]).cumsum(-1)
        below = functional.softplus(told[:, :, :MIDDLE].flip(-1)).cumsum(-1).flip(-1)
        middle = median[:, :, None]
        quantiles = torch.cat([middle - below, middle, middle + above], dim=-1)
        means = quantiles.detach().mean(-1) + self.mean(of_steps.detach())[:, :, 0]
        return quantiles, means


def pinball(quantiles: Tensor, actual: Tensor) -> Tensor:
    """The mean over known actuals and LEVELS; 0 where nothing is known. (B, H, levels), (B, H)."""
    is_known = ~actual.isnan()
    levels = torch.tensor(LEVELS, dtype=quantiles.dtype)
    short = actual[is_known][:, None] - quantiles[is_known]
    losses = torch.maximum(levels * short, (levels - 1) * short)
    return losses.sum() / max(losses.numel(), 1)


def square(means: Tensor, actual: Tensor) -> Tensor:
    is_known = ~actual.isnan()
    missed = actual[is_known] - means[is_known]
    return missed.pow(2).sum() / max(missed.numel(), 1)
