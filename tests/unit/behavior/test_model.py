"""The model looks back only, sees nothing of what fills up a batch, and knows products by content alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from training_run import MODEL, NUM_PRODUCTS, SIZES, some_content, some_model, some_sequences

from foresell.behavior.batches import Batch, epoch_batches, history_batches
from foresell.behavior.content import content
from foresell.behavior.losses import LossConfig, make_loss
from foresell.behavior.model import BehaviorModel, Sizes, spans
from foresell.behavior.vocabulary import Vocabulary
from foresell.contracts.errors import InputError

UNKNOWN = ("event_BL", "channel_BL", "quantity_BL", "seconds_BL", "next_event_BL", "next_seconds_BL")
QUIET = replace(MODEL, dropout=0.0, input_dropout=0.0)


def some_batch() -> Batch:
    return epoch_batches(some_sequences(), MODEL.max_length, 16, 0, 0).batch(1)


@pytest.mark.parametrize("use_time", [True, False])
def test_what_comes_later_never_changes_what_was_seen(use_time: bool) -> None:
    model = some_model(replace(QUIET, use_time=use_time)).eval()
    batch = some_batch()
    hidden = model.encode(batch)
    for place in range(1, batch.product_BL.shape[1]):
        later = torch.arange(batch.product_BL.shape[1]) >= place
        changed = replace(
            batch,
            product_BL=torch.where(later, batch.product_BL % NUM_PRODUCTS + 1, batch.product_BL),
            event_BL=torch.where(later, batch.event_BL % 3 + 1, batch.event_BL),
            channel_BL=torch.where(later, batch.channel_BL % 2 + 1, batch.channel_BL),
            quantity_BL=torch.where(later, 9 - batch.quantity_BL, batch.quantity_BL),
            seconds_BL=torch.where(later, batch.seconds_BL + 5_000_000, batch.seconds_BL),
        )
        found = model.encode(changed)
        torch.testing.assert_close(found[:, :place], hidden[:, :place], atol=1e-5, rtol=1e-5)
        assert not torch.allclose(found[:, place], hidden[:, place], atol=1e-3)


def test_what_fills_up_changes_nothing() -> None:
    model = some_model(QUIET).eval()
    [(together, batch)] = history_batches(some_sequences(), MODEL.max_length, 100)
    hidden = model.last_hidden(batch)
    assert len(set(batch.num_actions_B.tolist())) > 3
    for customers, alone in history_batches(some_sequences(), MODEL.max_length, 1):
        row = int(np.flatnonzero(together == customers[0])[0])
        torch.testing.assert_close(model.last_hidden(alone)[0], hidden[row], atol=1e-5, rtol=1e-5)


def test_what_fills_up_is_no_target() -> None:
    model, batch = some_model(QUIET).eval(), some_batch()
    loss = make_loss(LossConfig("softmax"), torch.ones(NUM_PRODUCTS + 1))
    product, event, span = model(batch, loss, torch.Generator())
    assert int(product.count) == int((batch.next_product_BL > 0).sum())
    assert int(event.count) == int(span.count) == int(batch.num_actions_B.sum())
    assert (product.weight, event.weight, span.weight) == (1.0, MODEL.event_weight, MODEL.span_weight)


def test_a_share_without_windows_has_losses_of_0_and_gradients() -> None:
    model = some_model()
    loss = make_loss(LossConfig(), torch.ones(NUM_PRODUCTS + 1))
    nothing = epoch_batches(some_sequences(2), 20, 8, 0, 0).batch(0, rank=7, number=8)
    losses = model(nothing, loss, torch.Generator())
    assert [float(one.total.detach()) for one in losses] == [0.0, 0.0, 0.0]
    torch.stack([one.total for one in losses]).sum().backward()
    assert all(one.grad is None or not one.grad.any() for one in model.parameters())


def test_a_product_without_history_has_a_vector_by_its_content_alone() -> None:
    known = some_content()
    # The last product is what the first is.
    bands, texts = known.price_bands.copy(), known.texts.copy()
    bands[-1], texts[-1] = bands[1], texts[1]
    labels = known.labels.copy()
    labels[-1] = labels[0]
    twins = replace(known, price_bands=bands, texts=texts, labels=labels)
    assert np.diff(twins.label_offsets)[1] == np.diff(twins.label_offsets)[-1] == 1
    model = BehaviorModel(replace(QUIET, use_ids=False), SIZES, twins)
    vectors = model.products()
    torch.testing.assert_close(vectors[-1], vectors[1])
    assert len(torch.unique(vectors[1:-1], dim=0)) == NUM_PRODUCTS - 1
    torch.testing.assert_close(model.products(torch.tensor([5, 2, 5])), vectors[[5, 2, 5]])


def test_a_vector_is_the_mean_of_labels_and_the_band_and_the_text() -> None:
    model, known = some_model(replace(QUIET, use_ids=False)), some_content()
    products = model.products
    with torch.no_grad():
        for index in (0, 1, 2, NUM_PRODUCTS):
            labels = known.labels[known.label_offsets[index] : known.label_offsets[index + 1]]
            wanted = products.of_price.weight[known.price_bands[index]] + products.of_text(
                torch.from_numpy(known.texts[index])
            )
            if len(labels):
                wanted = wanted + products.of_label.weight[labels].mean(0)
            torch.testing.assert_close(products(torch.tensor([index]))[0], wanted)


def test_where_ids_are_dropped_only_content_is_learned_from() -> None:
    model = some_model(replace(QUIET, id_dropout=1.0)).train()
    loss = make_loss(LossConfig("softmax"), torch.ones(NUM_PRODUCTS + 1))
    model(some_batch(), loss, torch.Generator())[0].total.backward()
    assert not model.products.ids.weight.grad.any()
    assert model.products.of_text.weight.grad.any()


def test_products_of_which_nothing_may_be_known_are_refused() -> None:
    nothing = content(None, Vocabulary(pl.Series("product_id", ["a", "b", "c"])))
    with pytest.raises(InputError, match="nothing to know"):
        BehaviorModel(replace(MODEL, use_ids=False), Sizes(3, 0, 0), nothing)
    model = BehaviorModel(MODEL, Sizes(3, 0, 0), nothing)
    assert model.products().shape == (4, MODEL.width)


def test_actions_without_events_channels_and_times_are_read() -> None:
    nothing = replace(some_batch(), **{name: torch.zeros_like(some_batch().event_BL) for name in UNKNOWN})
    model = some_model(sizes=Sizes(NUM_PRODUCTS, 0, 0))
    loss = make_loss(LossConfig("softmax"), torch.ones(NUM_PRODUCTS + 1))
    losses = model(nothing, loss, torch.Generator())
    assert len(losses) == 1
    assert losses[0].total.isfinite()


def test_spans_are_powers_of_two() -> None:
    seconds = torch.tensor([-5, 0, 1, 2, 3, 4, 7, 8, 86_400, 2**31, 2**60])
    assert spans(seconds).tolist() == [0, 0, 1, 2, 2, 3, 3, 4, 17, 31, 31]


def test_heads_must_share_the_width() -> None:
    with pytest.raises(InputError, match="heads"):
        replace(MODEL, width=10, num_heads=4)
