"""What a product is to the model: its id's vector, plus what is told of it.

N products asked for    P products    D width
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.behavior.content import Content
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    from foresell.behavior.model import ModelConfig


class ProductEncoder(nn.Module):
    """A product's vector: of its id, plus of its labels, price band and text, as far as they are known.

    A product that was never sold has a vector by its content alone.
    """

    # Not weights: they are kept with the vocabulary, and move with the module.
    labels: Tensor
    label_offsets: Tensor
    price_bands: Tensor
    texts: Tensor

    def __init__(self, config: "ModelConfig", content: Content) -> None:
        super().__init__()
        self.config = config
        self.num_products = content.num_products
        known = {
            "labels": torch.from_numpy(content.labels.copy()),
            "label_offsets": torch.from_numpy(content.label_offsets.copy()),
            "price_bands": torch.from_numpy(content.price_bands.copy()),
            "texts": torch.from_numpy(content.texts.copy()),
        }
        for name, tensor in known.items():
            self.register_buffer(name, tensor, persistent=False)
        width = config.width
        self.ids = nn.Embedding(self.num_products + 1, width) if config.use_ids else None
        has_labels = config.use_labels and content.num_labels > 0
        has_price = config.use_price and bool((content.price_bands > 0).any())
        has_text = config.use_text and content.width > 0
        self.of_label = nn.Embedding(content.num_labels + 1, width) if has_labels else None
        self.of_price = nn.Embedding(content.num_price_bands + 1, width) if has_price else None
        self.of_text = nn.Linear(content.width, width, bias=False) if has_text else None
        if not any((self.ids, self.of_label, self.of_price, self.of_text)):
            raise InputError(
                "There is nothing to know products by",
                received="ids are off, and no labels, prices or texts",
                do="Turn ids on (use_ids), or give products with content.",
            )

    def forward(self, indices_N: Tensor | None = None) -> Tensor:
        """(N, D); None: of all products and, in row 0, of none."""
        if indices_N is None:
            indices_N = torch.arange(self.num_products + 1, device=self.price_bands.device)
        parts = []
        if self.ids is not None:
            parts.append(self._id_vectors(self.ids, indices_N))
        if self.of_label is not None:
            parts.append(self._label_vectors(self.of_label, indices_N))
        if self.of_price is not None:
            parts.append(self.of_price(self.price_bands[indices_N]))
        if self.of_text is not None:
            parts.append(self.of_text(self.texts[indices_N]))
        vectors_ND: Tensor = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
        return functional.normalize(vectors_ND, dim=-1) if self.config.sharpness else vectors_ND

    def _id_vectors(self, ids: nn.Embedding, indices_N: Tensor) -> Tensor:
        vectors_ND: Tensor = ids(indices_N)
        if not self.training or not self.config.id_dropout:
            return vectors_ND
        is_kept = torch.rand(len(indices_N), 1, device=indices_N.device) >= self.config.id_dropout
        return vectors_ND * is_kept

    def _label_vectors(self, of_label: nn.Embedding, indices_N: Tensor) -> Tensor:
        """The mean of the vectors of a product's labels; 0 without any."""
        starts, ends = self.label_offsets[indices_N], self.label_offsets[indices_N + 1]
        counts = ends - starts
        offsets = counts.cumsum(0) - counts
        within = torch.arange(int(counts.sum()), device=counts.device) - offsets.repeat_interleave(counts)
        labels = self.labels[starts.repeat_interleave(counts) + within]
        return functional.embedding_bag(labels, of_label.weight, offsets, mode="mean")
