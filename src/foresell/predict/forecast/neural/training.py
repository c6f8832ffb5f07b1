"""Train a network on windows of all series, and ask it: one thread, so that a seed gives one network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from foresell.contracts.errors import BackendError
from foresell.predict.forecast.boosting.knowledge import Knowledge, Numbers
from foresell.predict.forecast.neural.network import SeriesNetwork, pinball, square
from foresell.predict.forecast.neural.windows import Facts, Windows, targets_of, windows_of

# The newest so many origins of a series are learned from.
MOST_ORIGINS = 600
# A history shorter than so many times `fewest_values` is learned from after one part of so many.
LEAST_PART = 4
# A network is not trained on fewer windows.
FEWEST_WINDOWS = 20
WINDOWS_AT_ONCE = 2_000
CLIP = 1.0
WARMING = 0.1
Weights = dict[str, NDArray[Any]]


class NeuralConfig(Protocol):
    """What every network's config has. `steps` of `batch_size` windows each; `learning_rate`: the highest,
    after a tenth of them, from where it falls to 0; `fewest_values`: of a series, before an origin is learned
    from; `members`: networks of other seeds, whose quantiles are averaged; `dated`: whether the place in the
    year, month and week is seen."""

    horizon: int
    context: int
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    fewest_values: int
    members: int
    dated: bool
    seed: int


# A window's facts → an untrained network. Features of a past period, a step ahead, a series.
Make = Callable[[Facts, int, int, int], SeriesNetwork]


def trained(knowledge: Knowledge, facts: Facts, make: Make, config: Any) -> list[Weights]:
    """The weights of each member; none where there are too few windows to learn from.

    Series count by the root of the number of their windows. Raises BackendError where training lost its way.
    """
    series, origins = _possible(knowledge, facts, config.fewest_values)
    if len(series) < FEWEST_WINDOWS:
        return []
    numbers = np.bincount(series, minlength=len(knowledge.grid))
    chances = 1 / np.sqrt(numbers[series])
    chances /= chances.sum()
    return [
        _one(knowledge, facts, make, config, (series, origins, chances), config.seed * 1_000 + member)
        for member in range(config.members)
    ]


def _possible(knowledge: Knowledge, facts: Facts, fewest: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Origins from the `fewest`th known period of a series on that have a known value among the steps after
    them; where histories are long, only those that have all steps."""
    values = knowledge.grid.values
    length = values.shape[1]
    known = ~np.isnan(values)
    after = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    has_later = np.zeros_like(known)
    has_later[:, :-1] = after[:, 1:] > 0
    has_all = np.arange(length) < length - facts.horizon
    started = np.cumsum(known, axis=1) >= min(fewest, length // LEAST_PART)
    possible = started & has_later
    if (possible & has_all).sum() >= FEWEST_WINDOWS:
        possible &= has_all
    possible[:, : max(0, length - facts.horizon - MOST_ORIGINS)] = False
    series, origins = np.nonzero(possible)
    return series, origins


def _one(
    knowledge: Knowledge, facts: Facts, make: Make, config: Any, windows: tuple[NDArray[Any], ...], seed: int
) -> Weights:
    series, origins, chances = windows
    random = np.random.default_rng(seed)
    with _alone(seed):
        network = _made(knowledge, facts, make)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, config.learning_rate, total_steps=config.steps + 1, pct_start=WARMING
        )
        cumulated = np.cumsum(chances)
        for _ in range(config.steps):
            drawn = np.searchsorted(cumulated, random.random(config.batch_size) * cumulated[-1])
            seen = windows_of(knowledge, facts, series[drawn], origins[drawn])
            actual = torch.from_numpy(targets_of(knowledge, seen, series[drawn], origins[drawn]))
            quantiles, means = network(*_tensors(seen))
            loss = pinball(quantiles, actual) + square(means, actual)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = _clipped(network)
            if not bool(torch.isfinite(norm)):
                raise BackendError(
                    "Training a forecaster lost its way: a gradient is no number",
                    do="Give a lower learning_rate.",
                )
            optimizer.step()
            schedule.step()
        return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def _clipped(network: SeriesNetwork) -> torch.Tensor:
    """The gradient's norm before it was cut to CLIP. Squares of far misses make the mean's own gradient
    large, which is cut by itself: else the others would be cut to nothing."""
    of_mean = {id(one) for one in network.mean.parameters()}
    others = [one for one in network.parameters() if id(one) not in of_mean]
    of_others = torch.nn.utils.clip_grad_norm_(others, CLIP)
    return of_others + torch.nn.utils.clip_grad_norm_(network.mean.parameters(), CLIP)


def asked(knowledge: Knowledge, facts: Facts, make: Make, members: list[Weights]) -> Numbers:
    """(N, H, 1 + levels) mean and quantiles after the newest period of each series, as large as they are."""
    newest = knowledge.grid.values.shape[1] - 1
    answers = []
    with _alone(0):
        networks = [_made(knowledge, facts, make) for _ in members]
        for network, weights in zip(networks, members, strict=True):
            network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
            network.eval()
        for start in range(0, len(knowledge.grid), WINDOWS_AT_ONCE):
            series = np.arange(start, min(start + WINDOWS_AT_ONCE, len(knowledge.grid)))
            seen = windows_of(knowledge, facts, series, np.full(len(series), newest))
            with torch.no_grad():
                told = [network(*_tensors(seen)) for network in networks]
            quantiles = torch.stack([one for one, _ in told]).mean(0).numpy()
            means = torch.stack([one for _, one in told]).mean(0).numpy()
            both = np.concatenate([means[:, :, None], quantiles], axis=2).astype(np.float64)
            answers.append(both * seen.scale[:, None, None] + seen.level[:, None, None])
    return np.concatenate(answers)


def _made(knowledge: Knowledge, facts: Facts, make: Make) -> SeriesNetwork:
    one = np.zeros(1, np.intp)
    sizes = windows_of(knowledge, facts, one, one)
    return make(facts, sizes.past.shape[2], sizes.ahead.shape[2], sizes.static.shape[1])


def _tensors(windows: Windows) -> list[torch.Tensor]:
    return [torch.from_numpy(part) for part in (windows.past, windows.ahead, windows.static)]


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """One thread: sums, and so the network, are the same on any number of cores. Chance is given back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
