"""The behavior model: a causal transformer over what a customer did, with products known by id and content.

    B windows    L positions    T tokens    D width    H heads    C channels of a head    P products

An action becomes a vector (product + event + channel + quantity + time since the one before); layers look
back over the actions before it; what comes out is compared with the vectors of all products, and says which
event comes next, and when.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.behavior.batches import Batch
from foresell.behavior.content import Content
from foresell.behavior.losses import Loss
from foresell.behavior.product_encoder import ProductEncoder
from foresell.behavior.sequences import NUM_QUANTITY_BANDS
from foresell.contracts.errors import InputError

# Spans of time by powers of two of a second: 0, 1, 2-3, 4-7 … up to 34 years.
NUM_SPANS = 32
ROTARY_BASE = 10_000.0
# Of a training batch, encoded one after the other where what is filled up costs more than a step more.
PIECES_ON_A_PROCESSOR = 4
INITIAL_STD = 0.02


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """`width` of all vectors; `max_length`: the actions that are looked back on; `feed_forward`: the hidden
    width of a layer over `width`, and `is_gated` whether one half of it opens the other. `dropout`: within
    layers; `input_dropout`: of the vectors that go in. `id_dropout`: the share of products that are known by
    their content alone for one batch, so that content is learned to stand alone. `use_ids`, `use_labels`,
    `use_price`, `use_text`, `use_time`: what the model is told; `use_turns`: attention is told by how many
    actions two are apart (rotary positions), beside how many are left to the newest, which it always knows.
    `sharpness`: scores are cosines times it, so that how often a product was taken says nothing by the
    length of its vector (Gupta et al., NISER, 2019); 0: scores are plain products. `event_weight`,
    `span_weight`: of the losses of the next event's name and of the time to it, against the next product's
    1.
    """

    width: int = 64
    num_layers: int = 1
    num_heads: int = 1
    max_length: int = 50
    feed_forward: float = 4.0
    is_gated: bool = True
    dropout: float = 0.3
    input_dropout: float = 0.3
    id_dropout: float = 0.0
    sharpness: float = 0.0
    use_ids: bool = True
    use_labels: bool = True
    use_price: bool = True
    use_text: bool = True
    use_time: bool = True
    use_turns: bool = True
    event_weight: float = 0.1
    span_weight: float = 0.1

    def __post_init__(self) -> None:
        if self.width % (2 * self.num_heads):
            raise InputError(
                "A model's width must be a multiple of twice its heads",
                received=f"width {self.width}, {self.num_heads} heads",
            )


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a vocabulary: how many there are of each, index 0 (none, unknown) not counted."""

    num_products: int
    num_events: int
    num_channels: int


@dataclass(frozen=True, slots=True)
class LossSum:
    """Of one head over a batch: the sum of its losses, of how many, and what their mean counts for."""

    total: Tensor
    count: Tensor
    weight: float


class SequenceModel(nn.Module):
    """What the training loop trains: `encode` is the model's own; the score of a product is the product of
    its vector and the hidden state."""

    products: nn.Module

    def __init__(self, num_products: int, max_length: int) -> None:
        super().__init__()
        self.num_products = num_products
        self.max_length = max_length

    def encode(self, batch: Batch) -> Tensor:
        """(B, L, D) hidden states, after each action; where the batch is filled up they mean nothing."""
        raise NotImplementedError

    def forward(self, batch: Batch, loss: Loss, generator: torch.Generator) -> list[LossSum]:
        """The losses of a batch, which training minimizes; that of the next product comes first."""
        return [self._product_loss(self.encode_in_pieces(batch), batch, loss, generator)]

    def encode_in_pieces(self, batch: Batch) -> Tensor:
        """As `encode`; on a processor a batch's short windows are not filled up to its longest."""
        if batch.product_BL.device.type != "cpu":
            return self.encode(batch)
        length = batch.product_BL.shape[1]
        encoded = [self.encode(piece) for piece in batch.pieces(PIECES_ON_A_PROCESSOR)]
        return torch.cat([functional.pad(one, (0, 0, 0, length - one.shape[1])) for one in encoded])

    def last_hidden(self, batch: Batch) -> Tensor:
        """(B, D): the state after each window's last action, which scores of products are taken with."""
        hidden_BLD = self.encode(batch)
        rows = torch.arange(len(hidden_BLD), device=hidden_BLD.device)
        return hidden_BLD[rows, batch.num_actions_B - 1]

    def _product_loss(
        self, hidden_BLD: Tensor, batch: Batch, loss: Loss, generator: torch.Generator
    ) -> LossSum:
        is_target = batch.next_product_BL > 0
        total = loss(hidden_BLD[is_target], batch.next_product_BL[is_target], self.products, generator)
        return LossSum(total, is_target.sum(), 1.0)


class Layer(nn.Module):
    """Look back over the actions before, then think about each: attention and a feed-forward, each
    after a normalization and added to what came in.

    Positions turn queries and keys (Su et al., RoFormer, 2021); a learned bias a head and span of time is
    added to the attention (Zhai et al., HSTU, ICML 2024). Gated feed-forward: Shazeer, GLU variants, 2020.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width, hidden = config.width, int(config.feed_forward * config.width)
        self.num_heads = config.num_heads
        self.dropout = config.dropout
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.from_attention = nn.Linear(width, width)
        self.span_bias = nn.Embedding(NUM_SPANS, config.num_heads) if config.use_time else None
        self.before_feed_forward = nn.LayerNorm(width)
        self.is_gated = config.is_gated
        self.to_hidden = nn.Linear(width, 2 * hidden if config.is_gated else hidden)
        self.from_hidden = nn.Linear(hidden, width)

    def forward(
        self, x_BLD: Tensor, turns_LC: tuple[Tensor, Tensor] | None, spans_BLL: Tensor | None
    ) -> Tensor:
        x_BLD = x_BLD + self._drop(self._attend(self.before_attention(x_BLD), turns_LC, spans_BLL))
        hidden = self.to_hidden(self.before_feed_forward(x_BLD))
        if self.is_gated:
            gate, value = hidden.chunk(2, dim=-1)
            hidden = functional.silu(gate) * value
        else:
            hidden = functional.gelu(hidden)
        return x_BLD + self._drop(self.from_hidden(self._drop(hidden)))

    def _attend(
        self, x_BLD: Tensor, turns_LC: tuple[Tensor, Tensor] | None, spans_BLL: Tensor | None
    ) -> Tensor:
        num_windows, length, width = x_BLD.shape
        of_heads = self.queries_keys_values(x_BLD).view(num_windows, length, 3, self.num_heads, -1)
        query_BHLC, key_BHLC, value_BHLC = of_heads.permute(2, 0, 3, 1, 4)
        if turns_LC is not None:
            query_BHLC, key_BHLC = _turned(query_BHLC, turns_LC), _turned(key_BHLC, turns_LC)
        bias_BHLL = None
        if self.span_bias is not None and spans_BLL is not None:
            later = torch.ones(length, length, dtype=torch.bool, device=x_BLD.device).triu(1)
            bias_BHLL = self.span_bias(spans_BLL).permute(0, 3, 1, 2).masked_fill(later, float("-inf"))
        found_BHLC = functional.scaled_dot_product_attention(
            query_BHLC,
            key_BHLC,
            value_BHLC,
            attn_mask=bias_BHLL,
            is_causal=bias_BHLL is None,
            dropout_p=self.dropout if self.training else 0.0,
        )
        seen_BLD: Tensor = self.from_attention(found_BHLC.transpose(1, 2).reshape(num_windows, length, width))
        return seen_BLD

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


class BehaviorModel(SequenceModel):
    """Reads windows of actions; its hidden state at an action is what it expects next."""

    def __init__(self, config: ModelConfig, sizes: Sizes, content: Content) -> None:
        super().__init__(sizes.num_products, config.max_length)
        self.config = config
        self.sizes = sizes
        width = config.width
        self.products = ProductEncoder(config, content)
        self.of_event = nn.Embedding(sizes.num_events + 1, width)
        self.of_channel = nn.Embedding(sizes.num_channels + 1, width)
        self.of_quantity = nn.Embedding(NUM_QUANTITY_BANDS, width)
        self.of_span = nn.Embedding(NUM_SPANS, width) if config.use_time else None
        self.of_place = nn.Embedding(config.max_length, width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_layers))
        self.normalize = nn.LayerNorm(width)
        self.next_event = nn.Linear(width, sizes.num_events + 1)
        self.next_span = nn.Linear(width, NUM_SPANS)
        self.apply(_initialize)

    def forward(self, batch: Batch, loss: Loss, generator: torch.Generator) -> list[LossSum]:
        """The losses of the next product, of the next event's name, and of the time to it."""
        hidden_BLD = self.encode_in_pieces(batch)
        losses = [self._product_loss(hidden_BLD, batch, loss, generator)]
        has_next = batch.next_event_BL > 0
        if self.sizes.num_events:
            events = functional.cross_entropy(
                self.next_event(hidden_BLD[has_next]), batch.next_event_BL[has_next], reduction="sum"
            )
            losses.append(LossSum(events, has_next.sum(), self.config.event_weight))
            waited_T = (batch.next_seconds_BL - batch.seconds_BL)[has_next]
            waits = functional.cross_entropy(
                self.next_span(hidden_BLD[has_next]), spans(waited_T), reduction="sum"
            )
            losses.append(LossSum(waits, has_next.sum(), self.config.span_weight))
        return losses

    def encode(self, batch: Batch) -> Tensor:
        """(B, L, D) hidden states, after each action; where the batch is filled up they mean nothing."""
        x_BLD = self._product_vectors(batch.product_BL) * math.sqrt(self.config.width)
        x_BLD = x_BLD + self.of_event(batch.event_BL) + self.of_channel(batch.channel_BL)
        x_BLD = x_BLD + self.of_quantity(batch.quantity_BL)
        x_BLD = x_BLD + self.of_place(_places_from_newest(batch))
        spans_BLL = None
        if self.of_span is not None and bool(batch.seconds_BL.any()):
            x_BLD = x_BLD + self.of_span(_spans_since_last(batch.seconds_BL))
            spans_BLL = spans(batch.seconds_BL[:, :, None] - batch.seconds_BL[:, None, :])
        x_BLD = functional.dropout(x_BLD, self.config.input_dropout, self.training)
        turns_LC = None
        if self.config.use_turns:
            turns_LC = _turns(x_BLD, self.config.width // self.config.num_heads)
        for layer in self.layers:
            x_BLD = layer(x_BLD, turns_LC, spans_BLL)
        hidden_BLD: Tensor = self.normalize(x_BLD)
        if self.config.sharpness:
            hidden_BLD = functional.normalize(hidden_BLD, dim=-1) * self.config.sharpness
        return hidden_BLD

    def _product_vectors(self, product_BL: Tensor) -> Tensor:
        needed_N, places_BL = torch.unique(product_BL, return_inverse=True)
        vectors_BLD: Tensor = self.products(needed_N)[places_BL]
        return vectors_BLD


def spans(seconds: Tensor) -> Tensor:
    """The power of two that a span of time lies in: 0 for none and for negative ones, else 1 + log2, rounded
    down."""
    exponents = torch.frexp(seconds.clamp(min=0).double()).exponent
    return exponents.long().clamp(max=NUM_SPANS - 1)


def _spans_since_last(seconds_BL: Tensor) -> Tensor:
    since_BL = seconds_BL.diff(dim=1, prepend=seconds_BL[:, :1])
    return spans(since_BL)


def _places_from_newest(batch: Batch) -> Tensor:
    """(B, L) actions until the newest of the window: 0 for it."""
    steps_L = torch.arange(batch.product_BL.shape[1], device=batch.product_BL.device)
    return (batch.num_actions_B[:, None] - 1 - steps_L).clamp(min=0)


def _turns(x_BLD: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, (L, C/2) each, by which positions turn the pairs of a head's channels."""
    device = x_BLD.device
    speeds = ROTARY_BASE ** (-torch.arange(0, head_width, 2, device=device) / head_width)
    angles_LC = torch.arange(x_BLD.shape[1], device=device)[:, None] * speeds
    return angles_LC.cos(), angles_LC.sin()


def _turned(x_BHLC: Tensor, turns_LC: tuple[Tensor, Tensor]) -> Tensor:
    cosines, sines = turns_LC
    first, second = x_BHLC.chunk(2, dim=-1)
    return torch.cat((first * cosines - second * sines, first * sines + second * cosines), dim=-1)


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INITIAL_STD)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
