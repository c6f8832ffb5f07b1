"""Gradients laid out by rows are those that autograd makes whole."""

import pytest
import torch
from training_run import LOSS, TRAINING, some_held_out, some_model, some_sequences

from foresell.behavior import rows
from foresell.behavior.losses import LossConfig
from foresell.behavior.pretrain import pretrain


@pytest.mark.parametrize("loss", [LOSS, LossConfig("softmax")], ids=lambda loss: loss.name)
def test_a_training_is_the_same_by_rows(monkeypatch: pytest.MonkeyPatch, loss: LossConfig) -> None:
    whole, by_rows = some_model(), some_model()
    first = pretrain(whole, some_sequences(), some_held_out(), TRAINING, loss)
    monkeypatch.setattr(rows, "LARGE", 100)
    second = pretrain(by_rows, some_sequences(), some_held_out(), TRAINING, loss)
    assert [row["loss"] for row in second.curve] == pytest.approx(
        [row["loss"] for row in first.curve], abs=1e-5
    )
    torch.testing.assert_close(by_rows.state_dict(), whole.state_dict(), atol=1e-5, rtol=1e-5)


def test_rows_of_the_step_before_leave_nothing_and_an_end_leaves_a_plain_embedding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "LARGE", 1)
    embedding = torch.nn.Embedding(6, 2)
    laid_out = rows.RowGradients(embedding)
    for looked_up in ([1, 1, 4], [2, 4]):
        embedding.weight.grad = None
        (embedding(torch.tensor(looked_up)).sum() + embedding(torch.tensor([2])).sum()).backward()
        wanted = torch.bincount(torch.tensor([*looked_up, 2]), minlength=6)[:, None].expand(6, 2)
        assert torch.equal(embedding.weight.grad, wanted.float())
    laid_out.end()
    embedding(torch.tensor([3])).sum().backward()
    assert not embedding.weight.grad.is_sparse
    assert embedding.weight.grad.sum() == 2
