"""Losses against what they stand for: torch's cross-entropy, sums over all products, the papers' formulas."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from foresell.behavior import losses
from foresell.behavior.losses import LOSSES, LossConfig, make_loss
from foresell.contracts.errors import InputError, NotFoundError

T, P, D = 37, 19, 6


class Vectors(nn.Module):
    def __init__(self, num_products: int = P, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(scale * torch.randn(num_products + 1, D))

    def forward(self, indices: Tensor | None = None) -> Tensor:
        return self.weight if indices is None else self.weight[indices]


def case(num_products: int = P, scale: float = 1.0) -> tuple[Tensor, Tensor, Vectors]:
    torch.manual_seed(4)
    hidden = torch.randn(T, D, requires_grad=True)
    return hidden, torch.randint(1, num_products + 1, (T,)), Vectors(num_products, scale)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def evenly(num_products: int = P) -> Tensor:
    return torch.ones(num_products + 1, dtype=torch.int64)


@pytest.mark.parametrize("tokens_at_once", [5, T, 128])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("negative_weight", [1.0, 0.3])
def test_the_softmax_in_pieces_is_torchs_cross_entropy(
    monkeypatch: pytest.MonkeyPatch, tokens_at_once: int, smoothing: float, negative_weight: float
) -> None:
    monkeypatch.setattr(losses, "TOKENS_AT_ONCE", tokens_at_once)
    hidden, targets, products = case()
    config = LossConfig("softmax", smoothing=smoothing, negative_weight=negative_weight)
    value = make_loss(config, evenly())(hidden, targets, products, chance())
    (3 * value).backward()
    found = hidden.grad, products.weight.grad

    hidden.grad = products.weight.grad = None
    scores = hidden @ products.weight[1:].T
    head_start = -math.log(negative_weight) * functional.one_hot(targets - 1, P)
    wanted = functional.cross_entropy(
        scores + head_start, targets - 1, reduction="sum", label_smoothing=smoothing
    )
    (3 * wanted).backward()
    torch.testing.assert_close(value, wanted)
    torch.testing.assert_close(found, (hidden.grad, products.weight.grad))


@pytest.mark.parametrize("negative_weight", [1.0, 0.02])
@pytest.mark.parametrize("popularity_share", [0.0, 0.5])
def test_negatives_estimate_the_sum_over_all_products(
    popularity_share: float, negative_weight: float
) -> None:
    hidden, targets, products = case(scale=0.5)
    sampled = LossConfig(
        "sampled_softmax",
        num_negatives=40_000,
        popularity_share=popularity_share,
        negative_weight=negative_weight,
    )
    exact = LossConfig("softmax", negative_weight=negative_weight)
    with torch.no_grad():
        estimate, wanted = (
            float(make_loss(config, torch.arange(P + 1))(hidden, targets, products, chance()))
            for config in (sampled, exact)
        )
    assert estimate == pytest.approx(wanted, rel=0.01)


@pytest.mark.parametrize("name", ["sampled_softmax", "gbce"])
def test_the_target_is_never_its_own_negative(name: str) -> None:
    hidden, _, products = case(num_products=1)
    targets = torch.ones(T, dtype=torch.int64)
    loss = make_loss(LossConfig(name, num_negatives=8, calibration=0.0), evenly(1))
    alone = loss(hidden, targets, products, chance())
    positive = hidden @ products.weight[1]
    wanted = (
        0.0
        if name == "sampled_softmax"
        else float(functional.softplus(-positive).sum().detach()) / math.sqrt(8)
    )
    assert float(alone.detach()) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_gbce_is_its_formula(calibration: float) -> None:
    hidden, targets, products = case()
    config = LossConfig("gbce", num_negatives=6, calibration=calibration)
    found = make_loss(config, evenly())(hidden, targets, products, chance(9))

    drawn = losses._Sampler(config, evenly()).draw(chance(9))
    share = 6 / (P - 1)
    beta = share * (calibration * (1 - 1 / share) + 1 / share)
    total = 0.0
    for state, target in zip(hidden.detach().double(), targets, strict=True):
        probability = torch.sigmoid(products.weight.detach().double() @ state)
        total -= beta * math.log(probability[target])
        total -= sum(math.log(1 - probability[one]) for one in drawn if one != target)
    assert float(found.detach()) == pytest.approx(total / math.sqrt(6), rel=1e-5)
    assert calibration != 1 or beta == pytest.approx(share)


def test_negatives_come_as_often_as_they_should() -> None:
    counts = torch.tensor([1_000, 0, 1, 3])
    config = LossConfig(num_negatives=50_000, popularity_share=0.5)
    drawn = losses._Sampler(config, counts).draw(chance())
    shares = torch.bincount(drawn, minlength=4) / 50_000
    torch.testing.assert_close(
        shares, torch.tensor([0, 1 / 6, 1 / 6 + 1 / 8, 1 / 6 + 3 / 8]), atol=0.01, rtol=0
    )
    popular = losses._Sampler(LossConfig(popularity_share=1.0), counts).draw(chance())
    assert set(popular.tolist()) == {2, 3}


@pytest.mark.parametrize("name", LOSSES)
def test_without_targets_a_loss_is_0_and_has_a_gradient(name: str) -> None:
    hidden, targets, products = case()
    value = make_loss(LossConfig(name), evenly())(hidden[:0], targets[:0], products, chance())
    value.backward()
    assert float(value.detach()) == 0
    assert not products.weight.grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_the_same_chance_gives_the_same_loss(name: str) -> None:
    hidden, targets, products = case()
    loss = make_loss(LossConfig(name, num_negatives=5), evenly())
    with torch.no_grad():
        first, again, other = (float(loss(hidden, targets, products, chance(seed))) for seed in (1, 1, 2))
    assert first == again
    assert (first == other) == (name == "softmax")


def test_auto_takes_all_products_until_they_are_too_many() -> None:
    hidden, targets, products = case()

    def value(config: LossConfig) -> float:
        return float(make_loss(config, evenly())(hidden, targets, products, chance()).detach())

    assert value(LossConfig("auto", most_products=P)) == value(LossConfig("softmax"))
    assert value(LossConfig("auto", most_products=P - 1)) == value(LossConfig("sampled_softmax"))


def test_what_cannot_be_a_loss_is_refused() -> None:
    with pytest.raises(NotFoundError, match="softmax"):
        make_loss(LossConfig("sofmax"), evenly())
    with pytest.raises(InputError):
        LossConfig(num_negatives=0)
    with pytest.raises(InputError):
        LossConfig(negative_weight=0.0)
