"""A pre-trained behavior model with everything it needs to be used: what is saved, loaded and grown."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from foresell.behavior.batches import history_batches
from foresell.behavior.content import NO_CONTENT, Content
from foresell.behavior.held_out import all_vectors
from foresell.behavior.losses import LossConfig
from foresell.behavior.model import BehaviorModel, ModelConfig, Sizes
from foresell.behavior.presets import Preset
from foresell.behavior.pretrain import TrainingConfig
from foresell.behavior.sequences import Sequences
from foresell.behavior.text import TextEncoder
from foresell.behavior.vocabulary import MOST_NAMES, Vocabulary
from foresell.contracts.errors import ConflictError

KIND = "behavior"
CUSTOMERS_AT_ONCE = 256
CONFIG_FILE, WEIGHTS_FILE = "config.json", "weights.safetensors"


@dataclass(frozen=True)
class Recipe:
    """How a model is made: the preset it comes from (`chosen`: with what was set otherwise), and the text
    encoder as `behavior.text` names it, "" for none."""

    preset_name: str
    text_encoder: str
    chosen: Preset

    def to_record(self) -> dict[str, Any]:
        return {"preset": self.preset_name, "text_encoder": self.text_encoder, **asdict(self.chosen)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Raises ConflictError where another version of this program wrote it, with other settings."""
        try:
            chosen = Preset(
                ModelConfig(**record["model"]),
                TrainingConfig(**record["training"]),
                LossConfig(**record["loss"]),
            )
            return cls(record["preset"], record["text_encoder"], chosen)
        except (TypeError, KeyError) as error:
            raise ConflictError(
                "The behavior model was made by another version of Foresell",
                received=error,
                do="Train it again: foresell fit behavior",
            ) from error


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A model, and the vocabulary and content that its rows stand for. `curve`: a row an epoch, as
    `behavior.pretrain` says. It holds products and numbers, and nothing about any one customer."""

    recipe: Recipe
    vocabulary: Vocabulary
    content: Content
    model: BehaviorModel
    curve: tuple[Mapping[str, float], ...] = ()

    @classmethod
    def untrained(cls, recipe: Recipe, vocabulary: Vocabulary, content: Content) -> Self:
        """With weights drawn by the recipe's seed."""
        torch.manual_seed(recipe.chosen.training.seed)
        sizes = Sizes(vocabulary.num_products, len(vocabulary.event_names), len(vocabulary.channels))
        return cls(recipe, vocabulary, content, BehaviorModel(recipe.chosen.model, sizes, content))

    @property
    def num_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    def grown(
        self, more: Vocabulary, products: pl.DataFrame | None, encoder: TextEncoder | None
    ) -> "Pretrained":
        """The same with what `more` knows beside it: products, event names, channels, all put at the end.

        What is new has zeros for weights: a new product's vector is that of its content alone, as
        `products` (the frame of `features.products`) tells it; a new event name says nothing until it is
        learned. Nothing that was there changes. `encoder`: that of the recipe.
        """
        vocabulary = replace(
            self.vocabulary.with_products(more.product_ids),
            event_names=_with_new(self.vocabulary.event_names, more.event_names),
            channels=_with_new(self.vocabulary.channels, more.channels),
        )
        told = pl.DataFrame(schema=NO_CONTENT) if products is None else products
        content = self.content.extend(told, vocabulary, encoder)
        larger = Pretrained.untrained(self.recipe, vocabulary, content)
        larger.model.load_state_dict(_grown_weights(self.model.state_dict(), larger.model.state_dict()))
        larger.model.eval()
        return replace(larger, curve=self.curve)

    def product_vectors(self) -> NDArray[np.float32]:
        """(P, D), in the order of the vocabulary."""
        self.model.eval()
        with torch.no_grad():
            vectors: NDArray[np.float32] = all_vectors(self.model)[1:].numpy()
        return vectors

    def vectors(self, sequences: Sequences, most: int = 50_000) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """What is expected of each customer next: (C', D) and the position of its first customer, at most
        `most` customers at once. One without actions has zeros.

        Times a product's vector it is the product's score to come next.
        """
        self.model.eval()
        for start in range(0, sequences.num_customers, most):
            some = replace(sequences, offsets=sequences.offsets[start : start + most + 1], customer_ids=None)
            vectors = np.zeros((some.num_customers, self.recipe.chosen.model.width), np.float32)
            with torch.no_grad():
                for rows, batch in history_batches(some, self.model.max_length, CUSTOMERS_AT_ONCE):
                    vectors[rows] = self.model.last_hidden(batch).numpy()
            yield start, vectors

    def to_tables(self) -> dict[str, pl.DataFrame]:
        """The tables of the artifact."""
        curve = pl.DataFrame(list(self.curve)) if self.curve else pl.DataFrame(schema={"epoch": pl.Float64})
        return {**self.vocabulary.to_tables(), **self.content.to_tables(), "curve": curve.fill_nan(None)}

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return {name: tensor.cpu().numpy() for name, tensor in self.model.state_dict().items()}

    @classmethod
    def loaded(
        cls,
        record: Mapping[str, Any],
        tables: Mapping[str, pl.DataFrame],
        weights: Mapping[str, NDArray[Any]],
    ) -> "Pretrained":
        """What `Recipe.to_record`, `to_tables` and `to_weights` gave."""
        recipe = Recipe.from_record(record)
        found = cls.untrained(recipe, Vocabulary.from_tables(tables), Content.from_tables(tables))
        try:
            found.model.load_state_dict({name: torch.from_numpy(one) for name, one in weights.items()})
        except RuntimeError as error:
            raise ConflictError(
                "The behavior model's weights are of another shape than this version of Foresell knows",
                received=str(error).splitlines()[0],
                do="Train it again: foresell fit behavior",
            ) from error
        found.model.eval()
        return replace(found, curve=tuple(tables["curve"].to_dicts()))

    def to_folder(self, folder: Path) -> None:
        """For other processes of the same training to read."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG_FILE).write_text(json.dumps(self.recipe.to_record()), encoding="utf-8")
        for name, frame in self.to_tables().items():
            frame.write_parquet(folder / f"{name}.parquet")
        save_file(self.model.state_dict(), folder / WEIGHTS_FILE)

    @classmethod
    def from_folder(cls, folder: Path) -> "Pretrained":
        record = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tables = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
        weights = {name: tensor.numpy() for name, tensor in load_file(folder / WEIGHTS_FILE).items()}
        return cls.loaded(record, tables, weights)


def _with_new(known: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    return (*known, *(name for name in found if name not in known))[:MOST_NAMES]


def _grown_weights(
    known: Mapping[str, torch.Tensor], larger: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The known weights in tensors of the larger shapes; rows that are new are 0."""
    grown = {name: torch.zeros_like(tensor) for name, tensor in larger.items()}
    for name, tensor in known.items():
        grown[name][: len(tensor)] = tensor
    return grown
