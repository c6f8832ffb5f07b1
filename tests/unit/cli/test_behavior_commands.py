"""The commands of the behavior model: what they pass on, what they answer, what they refuse."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.cli.moments import read_moment
from foresell.contracts.errors import InputError
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import create_shop
from foresell.sources.readers import ReadOptions
from foresell.store.models import load_artifact

QUICK = ["--preset", "tiny", "--set", "width=8", "--set", "max_epochs=1", "--set", "num_negatives=4"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop in which six customers view six products, three each."""
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    torch.set_num_threads(1)
    shop = create_shop(tmp_path / "store", {"store": {"time_zone": "Asia/Shanghai"}})
    files = {
        "products": [
            "product_id,title,category,price",
            *(f"p{n},茶 & <b>{n}</b>,cat {n % 2},{n}" for n in range(6)),
        ],
        "events": [
            "event_id,event_name,occurred_at,customer_id,product_id",
            *(
                f"e{c}{d},view_item,2024-01-0{d + 1}T09:00Z,c{c},p{(c + d) % 6}"
                for c in range(6)
                for d in range(3)
            ),
        ],
    }
    for preset, lines in files.items():
        path = tmp_path / f"{preset}.csv"
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        import_files(shop, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))
    return shop.folder.root


def call(*arguments: object) -> str:
    answer = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_fit_embed_and_map(store: Path, tmp_path: Path) -> None:
    fitted = json.loads(call("fit", "behavior", *QUICK, "--cutoff", "2024-01-03", "--store", store, "--json"))
    assert (fitted["label"], fitted["preset"], fitted["num_actions"]) == ("behavior/0001", "tiny", 12)
    assert fitted["embeddings"] == {"customer": 6, "product": 6}
    assert [row["epoch"] for row in fitted["curve"]] == [0]
    shown = call("fit", "behavior", "--warm-start", "--set", "max_epochs=1", "--store", store)
    assert "best so far" in shown
    assert "behavior/0002" in shown

    embedded = json.loads(call("embed", "--customers", "--store", store, "--json"))
    assert embedded == {"model": "behavior/0002", "rows": {"customer": 6}}

    page, png = tmp_path / "new" / "map.html", tmp_path / "map.png"
    assert "6 products by behavior/0002" in call("map", "products", "--out", page, "--store", store)
    text = page.read_text(encoding="utf-8")
    svg = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])  # noqa: S314
    titles = [node.text for node in svg.iter() if node.tag.endswith("title")]
    assert sorted(titles) == [f"茶 & <b>{n}</b>" for n in range(6)]
    assert "script" not in text
    call("map", "products", "--out", png, "--store", store)
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_two_processes_train_as_one(store: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(store, tmp_path / "other"))
    command = [
        "fit",
        "behavior",
        *QUICK,
        "--set",
        "dropout=0",
        "--set",
        "input_dropout=0",
        "--set",
        "id_dropout=0",
    ]
    alone = json.loads(call(*command, "--json", "--store", store))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    together = subprocess.run(
        [*torchrun, "-m", "foresell", *command, "--json", "--store", str(other)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert together.returncode == 0, together.stderr
    fitted = json.loads(together.stdout)
    assert fitted["label"] == "behavior/0001", "one process writes"
    assert [row["loss"] for row in fitted["curve"]] == pytest.approx([row["loss"] for row in alone["curve"]])
    first, second = (load_artifact(root / "models", "behavior").weights for root in (store, other))
    assert all(np.allclose(first[name], second[name], atol=1e-5) for name in first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "recommend", "--preset", "tiny"], "are for behavior"),
        (["fit", "behavior", "--set", "width"], "NAME=VALUE"),
        (["fit", "behavior", "--set", "width=wide"], "width"),
        (["fit", "behavior", "--cutoff", "yesterday"], "no day or time"),
        (["map", "products", "--out", "map.pdf"], "page or a picture"),
    ],
)
def test_what_cannot_be_used_is_refused(store: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(*arguments, "--store", store)


def test_a_missing_extra_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"foresell\[behavior\]"):
        call("fit", "behavior", "--store", store)


def test_a_day_begins_at_the_shops_midnight() -> None:
    assert read_moment("2024-01-03", "Asia/Shanghai").isoformat() == "2024-01-02T16:00:00+00:00"
    assert (
        read_moment("2024-01-03T00:00:00+00:00", "Asia/Shanghai").isoformat() == "2024-01-03T00:00:00+00:00"
    )
