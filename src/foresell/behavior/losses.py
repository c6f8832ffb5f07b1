"""How wrong a prediction of the next product was: the one place to change what the model learns from.

A loss takes hidden states and the products that really came next, and gives the sum of their errors:

    T tokens (positions that have a next product)    D width    P products    N negatives

    loss(hidden_TD, targets_T, products, generator) -> scalar

Product 0 is "none": never a target, never a negative.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean

# Rows of scores held at once by the full softmax: what a core's cache holds is several times faster than
# what it does not.
TOKENS_AT_ONCE = 128
SCORES_AT_ONCE = 16_000_000
FORBIDDEN = -1e9


class ProductVectors(Protocol):
    """The vectors that scores are dot products with."""

    def __call__(self, indices_N: Tensor | None = None) -> Tensor:
        """(N, D) of the products asked for; None: of all, (P + 1, D), row 0 being no product."""


Loss = Callable[[Tensor, Tensor, ProductVectors, torch.Generator], Tensor]


@dataclass(frozen=True, slots=True)
class LossConfig:
    """`name`: one of LOSSES; `auto`: `softmax` as long as there are at most `most_products`, else
    `sampled_softmax`. `num_negatives`: drawn once a batch and shared by its tokens. `popularity_share`: the
    share of them that is drawn by how often a product was taken (the rest evenly); their scores are corrected
    by log(expected draws), so that their sum is an estimate of that over all products (logQ).
    `negative_weight`: what another product counts against the target, 1 being cross-entropy as it is
    written; below 1 the target has a head start of −log of it. N of P products drawn without correction, as
    published models have it, are a weight of N / P with noise. `calibration`: of gBCE, from 0 (plain
    cross-entropy of pairs) to 1 (its scores are unbiased). `smoothing`: the share of the target's weight
    that goes to all products evenly (`softmax` only).
    """

    name: str = "auto"
    most_products: int = 50_000
    num_negatives: int = 1_024
    popularity_share: float = 0.0
    negative_weight: float = 1.0
    calibration: float = 0.75
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.num_negatives < 1 or self.negative_weight <= 0:
            raise InputError(
                "A loss needs others than the target",
                received=f"num_negatives {self.num_negatives}, negative_weight {self.negative_weight}",
                do="Give at least one negative, and a weight above 0.",
            )


def make_loss(config: LossConfig, counts_P: Tensor) -> Loss:
    """The loss of a config. `counts_P`: (P + 1,) how often each product was taken in training."""
    name = config.name
    if name == "auto":
        name = "softmax" if len(counts_P) - 1 <= config.most_products else "sampled_softmax"
    if name not in LOSSES:
        raise NotFoundError(f"There is no loss '{name}'", do=did_you_mean(name, LOSSES))
    return LOSSES[name](config, counts_P)


def softmax(config: LossConfig, counts_P: Tensor) -> Loss:
    """Cross-entropy over all products, in pieces: the scores are never whole in memory.

    With a `negative_weight` below 1 the target has a head start of −log of it: what sampled softmax without
    correction expects when N of P products are drawn for each token and it is N / P, without its noise.
    """

    def loss(
        hidden_TD: Tensor, targets_T: Tensor, products: ProductVectors, generator: torch.Generator
    ) -> Tensor:
        value: Tensor = _PiecewiseSoftmax.apply(  # type: ignore[no-untyped-call]
            hidden_TD.float(),
            products().float(),
            targets_T,
            config.smoothing,
            -math.log(config.negative_weight),
        )
        return value

    return loss


class _PiecewiseSoftmax(torch.autograd.Function):
    """The gradient of a softmax is known once its scores are: it is taken in the forward pass, piece by
    piece, so that the scores of a piece are computed once and dropped."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_TD: Tensor,
        vectors_PD: Tensor,
        targets_T: Tensor,
        smoothing: float,
        head_start: float,
    ) -> Tensor:
        num_rows = len(vectors_PD)
        size = max(
            1, min(TOKENS_AT_ONCE if hidden_TD.device.type == "cpu" else 4_096, SCORES_AT_ONCE // num_rows)
        )
        hidden_grad, vectors_grad = torch.empty_like(hidden_TD), torch.zeros_like(vectors_PD)
        scores_of_piece = hidden_TD.new_empty(size, num_rows)
        total = hidden_TD.new_zeros((), dtype=torch.float32)
        even = smoothing / (num_rows - 1)
        for start in range(0, len(targets_T), size):
            piece, wanted = hidden_TD[start : start + size], targets_T[start : start + size, None]
            scores = torch.mm(piece, vectors_PD.T, out=scores_of_piece[: len(piece)])
            scores[:, 0] = FORBIDDEN
            scores.scatter_add_(1, wanted, scores.new_full(wanted.shape, head_start))
            log_sums = scores.logsumexp(1, keepdim=True)
            total += (log_sums - (1 - smoothing) * scores.gather(1, wanted)).sum()
            if smoothing:
                total -= even * scores[:, 1:].sum()
            error = scores.sub_(log_sums).exp_()
            error.scatter_add_(1, wanted, error.new_full(wanted.shape, smoothing - 1))
            if smoothing:
                error[:, 1:] -= even
            torch.mm(error, vectors_PD, out=hidden_grad[start : start + size])
            vectors_grad.addmm_(error.T, piece)
        ctx.save_for_backward(hidden_grad, vectors_grad)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        hidden_grad, vectors_grad = ctx.saved_tensors
        return hidden_grad * grads[0], vectors_grad * grads[0], None, None, None


class _Sampler:
    """Draws negatives with replacement: some by popularity, the others evenly. Its tables and its chance are
    on the processor, so that every device draws the same."""

    def __init__(self, config: LossConfig, counts_P: Tensor) -> None:
        known, even = counts_P.double().clone(), torch.ones(len(counts_P), dtype=torch.float64)
        known[0] = even[0] = 0
        share = config.popularity_share if known.sum() > 0 else 0.0
        chances = share * known / known.sum().clamp(min=1) + (1 - share) * even / even.sum()
        self.cumulative_P = chances.cumsum(0)
        self.number = config.num_negatives
        self.log_expected_P = (self.number * chances).clamp(min=1e-30).log().float()

    def draw(self, generator: torch.Generator) -> Tensor:
        """(N,) products, never 0."""
        points = torch.rand(self.number, dtype=torch.float64, generator=generator) * self.cumulative_P[-1]
        drawn: Tensor = torch.searchsorted(self.cumulative_P, points, right=True)
        return drawn.clamp_(1, len(self.cumulative_P) - 1)


def _pair_scores(
    hidden_TD: Tensor, targets_T: Tensor, negatives_N: Tensor, products: ProductVectors
) -> tuple[Tensor, Tensor]:
    """(T, 1) scores of the targets and (T, N) of the negatives; a negative that is the target is forbidden.

    Vectors are made once for each product of the batch.
    """
    needed, places = torch.unique(torch.cat([targets_T, negatives_N]), return_inverse=True)
    vectors = products(needed)
    of_targets, of_negatives = places[: len(targets_T)], places[len(targets_T) :]
    positive_T1 = (hidden_TD * vectors[of_targets]).sum(1, keepdim=True)
    negative_TN = hidden_TD @ vectors[of_negatives].T
    return positive_T1, negative_TN.masked_fill(targets_T[:, None] == negatives_N, FORBIDDEN)


def sampled_softmax(config: LossConfig, counts_P: Tensor) -> Loss:
    """Cross-entropy of the target against the batch's negatives.

    Source: Bengio and Senécal, 2008 (the correction); Klenitskiy and Vasilev, RecSys 2023 (many negatives
    make SASRec).
    """
    sampler = _Sampler(config, counts_P)

    def loss(
        hidden_TD: Tensor, targets_T: Tensor, products: ProductVectors, generator: torch.Generator
    ) -> Tensor:
        drawn_N = sampler.draw(generator)
        negatives_N = drawn_N.to(targets_T.device)
        positive_T1, negative_TN = _pair_scores(hidden_TD, targets_T, negatives_N, products)
        expected_N = sampler.log_expected_P[drawn_N].to(targets_T.device)
        negative_TN = negative_TN - expected_N + math.log(config.negative_weight)
        scores = torch.cat([positive_T1, negative_TN], dim=1)
        return functional.cross_entropy(scores, torch.zeros_like(targets_T), reduction="sum")

    return loss


def gbce(config: LossConfig, counts_P: Tensor) -> Loss:
    """Generalized binary cross-entropy: the target's probability to the power β, against the negatives.

    Source: Petrov and Macdonald, gSASRec, RecSys 2023. β = α (t (1 − 1/α) + 1/α), α the share of products
    drawn, t the `calibration`. There the sum over a target and its N negatives is divided by N + 1, here by
    √N: a scale only, to which Adam is blind.
    """
    sampler = _Sampler(config, counts_P)
    share = min(1.0, config.num_negatives / max(1, len(counts_P) - 2))
    beta = share * (config.calibration * (1 - 1 / share) + 1 / share)

    def loss(
        hidden_TD: Tensor, targets_T: Tensor, products: ProductVectors, generator: torch.Generator
    ) -> Tensor:
        negatives_N = sampler.draw(generator).to(targets_T.device)
        positive_T1, negative_TN = _pair_scores(hidden_TD, targets_T, negatives_N, products)
        of_targets = beta * functional.softplus(-positive_T1).sum()
        return (of_targets + functional.softplus(negative_TN).sum()) / math.sqrt(config.num_negatives)

    return loss


LOSSES: dict[str, Callable[[LossConfig, Tensor], Loss]] = {
    "softmax": softmax,
    "sampled_softmax": sampled_softmax,
    "gbce": gbce,
}
