"""A pre-trained model out of a folder: what is refused, and what is asked of one whose weights are random."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import BackendError, InputError, NotFoundError
from foresell.predict.forecast.model import QUANTILES
from foresell.predict.forecast.models.foundation import FoundationConfig, _with_tails, fit
from foresell.predict.forecast.panel import SERIES, Panel

START = date(2024, 1, 1)


def panel() -> Panel:
    rows = [
        (key, START + timedelta(weeks=week), 10.0 + week % 4)
        for key, length in (("a", 40), ("b", 3))
        for week in range(40 - length, 40)
    ]
    return Panel(pl.DataFrame(rows, schema=SERIES, orient="row"), "week")


def folder(path: Path, *files: str, **config: Any) -> str:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in files:
        (path / name).write_bytes(b"")
    return str(path)


def test_no_folder_is_not_found(tmp_path: Path) -> None:
    for given in ("", str(tmp_path / "nothing"), "s3://bucket/model", "amazon/chronos-bolt-tiny"):
        with pytest.raises(NotFoundError, match="no pre-trained model"):
            fit(panel(), FoundationConfig(folder=given))


def test_code_pickles_and_other_models_are_refused(tmp_path: Path) -> None:
    bolt = {"architectures": ["ChronosBoltModelForForecasting"]}
    refused = [
        folder(tmp_path / "pickled", "pytorch_model.bin", **bolt),
        folder(tmp_path / "both", "model.safetensors", "pytorch_model.bin", **bolt),
        folder(tmp_path / "code", "model.safetensors", "modeling.py", **bolt),
        folder(tmp_path / "mapped", "model.safetensors", auto_map={"AutoModel": "x.Y"}, **bolt),
        folder(tmp_path / "other", "model.safetensors", architectures=["LlamaForCausalLM"]),
        folder(tmp_path / "empty", **bolt),
    ]
    for given in refused:
        with pytest.raises(InputError, match="does not hold"):
            fit(panel(), FoundationConfig(folder=given))


def test_the_library_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "chronos", None)
    given = folder(tmp_path / "m", "model.safetensors", architectures=["ChronosBoltModelForForecasting"])
    with pytest.raises(BackendError, match="chronos-forecasting"):
        fit(panel(), FoundationConfig(folder=given))


def test_levels_that_it_does_not_know_are_as_far_out_as_a_normal_distribution_has_them() -> None:
    told = np.full((1, 1, 11), np.nan)
    told[0, 0, [1, 5, 9]] = [-1.28155, 0.0, 2 * 1.28155]
    found = _with_tails(told)[0, 0]
    assert found[0] == pytest.approx(-1.96, abs=1e-3)
    assert found[10] == pytest.approx(2 * 1.96, abs=1e-3)
    assert found[3] == pytest.approx(-1.28155 / 2)
    assert (np.diff(found) > 0).all()


def test_a_chronos_bolt_with_random_weights_is_asked(tmp_path: Path) -> None:
    """Needs the library: left out where it is not."""
    pytest.importorskip("chronos")
    from chronos.chronos_bolt import ChronosBoltModelForForecasting
    from transformers import T5Config

    config = T5Config(d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, vocab_size=2, pad_token_id=0)
    config.chronos_config = {
        "context_length": 64,
        "prediction_length": 8,
        "input_patch_size": 8,
        "input_patch_stride": 8,
        "quantiles": [i / 10 for i in range(1, 10)],
        "use_reg_token": True,
    }
    config.decoder_start_token_id = 0
    config.chronos_pipeline_class = "ChronosBoltPipeline"
    config.architectures = ["ChronosBoltModelForForecasting"]
    ChronosBoltModelForForecasting(config).save_pretrained(tmp_path / "bolt")
    model = fit(panel(), FoundationConfig(folder=str(tmp_path / "bolt"), horizon=6))
    found = model.forecast(6)
    assert found.height == 12
    levels = found.select(QUANTILES).to_numpy()
    assert np.isfinite(levels).all()
    assert (np.diff(levels, axis=1) >= 0).all()
