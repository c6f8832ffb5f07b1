"""A model in a folder: a tiny ONNX file gives the mean of its token vectors; faults are explained."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from foresell.behavior.text import load_encoder
from foresell.contracts.errors import InputError

WORDS = {"[UNK]": 0, "tea": 1, "milk": 2, "[PAD]": 3}
VECTORS = np.array([[1, 1], [3, 4], [0, 2], [9, 9]], np.float32)
needs_onnx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxruntime", "tokenizers")),
    reason="text suite: onnx is missing. pip install onnx onnxruntime tokenizers",
)


def write_tokenizer(folder: Path) -> None:
    told = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "padding": {
            "strategy": "BatchLongest",
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 3,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "model": {"type": "WordLevel", "vocab": WORDS, "unk_token": "[UNK]"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(told))


def write_model(folder: Path, vectors: np.ndarray = VECTORS) -> None:
    from onnx import TensorProto, helper, numpy_helper, save

    given = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"])
    gives = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "t", 2])
    look_up = helper.make_node("Gather", ["vectors", "input_ids"], ["last_hidden_state"])
    graph = helper.make_graph(
        [look_up], "tokens", [given], [gives], [numpy_helper.from_array(vectors, "vectors")]
    )
    opset = helper.make_opsetid("", 17)
    (folder / "onnx").mkdir(exist_ok=True)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(folder / "onnx" / "model.onnx"))


@needs_onnx
def test_an_onnx_folder_gives_the_mean_of_its_token_vectors(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    write_model(tmp_path)
    encoder = load_encoder(f"folder:{tmp_path}")
    vectors = encoder.encode(["tea", "tea milk", "", "\ud800 milk"])
    wanted = np.array([[3, 4], [3, 6], [0, 0], [1, 3]], np.float32)
    lengths = np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1)
    assert encoder.width == 2
    np.testing.assert_allclose(vectors, wanted / lengths, atol=1e-6)


@needs_onnx
def test_other_weights_have_another_name(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    write_model(tmp_path)
    name = load_encoder(f"folder:{tmp_path}").name
    assert load_encoder(f"folder:{tmp_path}").name == name
    write_model(tmp_path, VECTORS * 2)
    assert load_encoder(f"folder:{tmp_path}").name != name


@needs_onnx
def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match="cannot be read"):
        load_encoder(f"folder:{tmp_path}")


@pytest.mark.parametrize("said", ["folder", "folder:/no/such/folder"])
def test_a_folder_that_is_not_there_is_refused(said: str) -> None:
    with pytest.raises(InputError, match="no folder with a text model"):
        load_encoder(said)


def test_a_folder_without_a_model_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"modules\.json.*tokenizer\.json.*model\.onnx"):
        load_encoder(f"folder:{tmp_path}")


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is not None, reason="it is installed here"
)
def test_a_missing_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(InputError, match="pip install sentence-transformers"):
        load_encoder(f"folder:{tmp_path}")
