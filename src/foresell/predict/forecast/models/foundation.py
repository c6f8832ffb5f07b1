"""A pre-trained model of time series out of a folder, asked without any training: Chronos-Bolt or Chronos-2.

The folder holds `config.json` and weights as safetensors, as the models are published; nothing is fetched,
no code of the folder is run and nothing is unpickled. It takes the library chronos-forecasting. Source:
Ansari et al., Chronos: Learning the language of time series, TMLR 2024. Foresell ships no weights, and has
tried the adapter with random ones only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from foresell.contracts.errors import BackendError, InputError, NotFoundError
from foresell.predict.forecast.grid import Floats, Grid
from foresell.predict.forecast.model import (
    LEVELS,
    LEVELS_ARRAY,
    MEDIAN,
    NO_WEIGHTS,
    QUANTILES,
    ForecastModel,
    Weights,
)
from foresell.predict.forecast.models.seasonal_naive import naive
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.paths import NORMAL, FittedPaths, Paths, Reasons, fit_paths

NAME = "foundation"
KINDS = {"ChronosBoltModelForForecasting": "ChronosBoltPipeline", "Chronos2Model": "Chronos2Pipeline"}
# Files of a folder that hold code or pickled objects, where there are no others to load.
UNSAFE = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "*.py")
MIDDLE = QUANTILES.index(MEDIAN)


@dataclass(frozen=True, slots=True)
class FoundationConfig:
    """`horizon`: the longest that can be asked for. `folder`: of the model. `context`: the newest periods
    that it is shown, as far as it can take them; `batch_size`: series at once."""

    horizon: int = 8
    folder: str = ""
    context: int = 512
    batch_size: int = 256
    seed: int = 0


def fit(panel: Panel, config: FoundationConfig) -> FittedPaths:
    """Regressors are not told to it. Quantiles beyond those that it learned lie as far out as a normal
    distribution's. Raises NotFoundError where there is no such folder, InputError where it is not one that is
    loaded, BackendError where the library is missing."""
    kind = _checked(config.folder)
    if panel.frame.is_empty():
        raise InputError("There is no series to forecast", do="Import a longer history.")
    pipeline = _pipeline(kind, Path(config.folder))

    def forecast(grid: Grid, horizon: int) -> tuple[Paths, Reasons]:
        parts = [
            _told(pipeline, [grid.history(row) for row in rows], horizon, config.context)
            for rows in np.array_split(np.arange(len(grid)), -(-len(grid) // config.batch_size))
        ]
        return np.concatenate(parts), {}

    return fit_paths(panel, config, forecast, naive)


def _checked(folder: str) -> str:
    """The kind of model in the folder; it holds nothing that would have to be trusted."""
    path = Path(folder)
    if not folder or not (path / "config.json").is_file():
        raise NotFoundError(
            "There is no pre-trained model",
            received=folder or "no folder",
            do="Give the folder with its config.json and model.safetensors.",
        )
    told = json.loads((path / "config.json").read_text(encoding="utf-8"))
    kind = str((told.get("architectures") or ["none"])[0])
    unsafe = sorted(found.name for pattern in UNSAFE for found in path.glob(pattern))
    if kind not in KINDS or unsafe or not list(path.glob("*.safetensors")) or "auto_map" in told:
        raise InputError(
            "The folder does not hold a pre-trained model that is loaded",
            received=f"{kind}; {', '.join(unsafe) or 'no code and no pickled files'}",
            do=f"Give one of {', '.join(KINDS)}, with weights as safetensors alone and no code.",
        )
    return kind


def _pipeline(kind: str, folder: Path) -> Any:
    try:
        chronos = import_module("chronos")
    except ImportError as error:
        raise BackendError(
            "Pre-trained models of time series need a library", do="pip install chronos-forecasting"
        ) from error
    pipeline = getattr(chronos, KINDS[kind])
    return pipeline.from_pretrained(
        str(folder.resolve()), local_files_only=True, use_safetensors=True, trust_remote_code=False
    )


def _told(pipeline: Any, histories: list[Floats], horizon: int, context: int) -> Paths:
    """(n, horizon, VALUES)"""
    import torch

    known = [level for level in LEVELS if any(abs(level - own) < 1e-6 for own in pipeline.quantiles)]
    shown = [torch.from_numpy(history[-context:].astype(np.float32)) for history in histories]
    # Chronos-2 takes several variates a series, and gives them back in a list.
    found, means = pipeline.predict_quantiles(shown, prediction_length=horizon, quantile_levels=known)
    if isinstance(found, list):
        found, means = torch.cat(list(found)), torch.cat(list(means))
    quantiles = np.full((len(histories), horizon, len(LEVELS)), np.nan)
    quantiles[:, :, [LEVELS.index(level) for level in known]] = found.numpy()
    told = np.concatenate([means.numpy()[:, :, None].astype(np.float64), _with_tails(quantiles)], axis=2)
    return np.asarray(told)


def _with_tails(quantiles: Floats) -> Floats:
    """NaN levels get values: those beyond the known as far from the median as a normal distribution says, by
    the outermost known; those between by a line."""
    known = np.flatnonzero(~np.isnan(quantiles[0, 0]))
    first, last = known[0], known[-1]
    middle = quantiles[:, :, MIDDLE]
    told = quantiles.copy()
    for place in range(len(LEVELS)):
        if place < first or place > last:
            edge = first if place < first else last
            told[:, :, place] = middle + (quantiles[:, :, edge] - middle) * NORMAL[place] / NORMAL[edge]
        elif place not in known:
            low, high = known[known < place][-1], known[known > place][0]
            share = (LEVELS_ARRAY[place] - LEVELS_ARRAY[low]) / (LEVELS_ARRAY[high] - LEVELS_ARRAY[low])
            told[:, :, place] = quantiles[:, :, low] * (1 - share) + quantiles[:, :, high] * share
    return told


def load(
    config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights = NO_WEIGHTS
) -> FittedPaths:
    return FittedPaths.load(FoundationConfig(**config), tables)


MODEL = ForecastModel(NAME, FoundationConfig, fit, load)
