"""Every segmentation of the list: it finds who is alike, says so in words, and is the same after saving."""

import json
import re

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.customers.segments import SEGMENTATIONS, load_segmentation
from foresell.predict.customers.segments.agreement import adjusted_rand
from foresell.predict.customers.segments.choosing import Choosing
from foresell.predict.customers.segments.segmentation import Customers
from foresell.store.models import load_artifact, save_artifact

FAST = Choosing(most=4)
CONFIGS = {
    "rfm": {},
    "features": {"choosing": FAST},
    "behavior": {"choosing": FAST},
    "autoencoder": {"choosing": FAST, "latent": 2, "width": 8},
}
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module", params=sorted(SEGMENTATIONS))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(name, customers):
    segmentation = load_segmentation(name)
    return segmentation.fit(customers, segmentation.config(**CONFIGS[name]))


def test_new_customers_are_assigned_to_their_kind(name, fitted, more_customers):
    newcomers, kinds = more_customers
    found = fitted.assign(newcomers)
    assert found.columns == ["segment", "confidence"]
    assert set(found["segment"]) <= set(fitted.segments["segment"]) | ({"lost"} if name == "rfm" else set())
    least = 0.4 if name == "rfm" else 0.8
    assert adjusted_rand(found["segment"].to_numpy(), kinds) > least
    if name != "rfm":
        assert found["confidence"].is_between(0, 1).all()
    # Whom else is asked about changes nothing.
    alone = fitted.assign(newcomers.take(np.array([5])))
    assert alone["segment"][0] == found["segment"][5]


def test_segments_have_names_of_their_own_and_a_sentence_in_both_languages(fitted, customers):
    table = fitted.segments
    assert table["segment"].n_unique() == len(table)
    assert table["num_customers"].sum() == len(customers)
    assert table["share"].sum() == pytest.approx(1.0)
    for row in table.iter_rows(named=True):
        assert row["sentence"].startswith(f"{row['num_customers']:,} customers (")
        assert row["sentence"].endswith(".")
        assert not CHINESE.search(row["sentence"])
        assert CHINESE.search(row["sentence_zh"])
        assert CHINESE.search(row["name_zh"])


def test_saved_and_loaded_it_assigns_the_same(name, fitted, more_customers, tmp_path):
    save_artifact(
        tmp_path, "segments", name, fitted.to_config(), fitted.to_tables(), {}, weights=fitted.to_weights()
    )
    artifact = load_artifact(tmp_path, "segments", "candidate")
    again = load_segmentation(name).load(artifact.config, artifact.tables, artifact.weights)
    assert again.assign(more_customers[0]).equals(fitted.assign(more_customers[0]))
    assert again.segments.equals(fitted.segments)
    assert json.dumps(fitted.to_config())


def test_the_same_seed_gives_the_same_segments(name, fitted, customers):
    segmentation = load_segmentation(name)
    again = segmentation.fit(customers, segmentation.config(**CONFIGS[name]))
    assert again.assign(customers).equals(fitted.assign(customers))
    assert again.segments.equals(fitted.segments)


def test_names_stay_when_fitted_again_on_later_customers(name, customers, more_customers):
    segmentation = load_segmentation(name)
    given = CONFIGS[name] | ({} if name == "rfm" else {"choosing": Choosing(num_segments=3, most=3)})
    fitted = segmentation.fit(customers, segmentation.config(**given))
    later = segmentation.fit(more_customers[0], segmentation.config(**given), previous=fitted)
    then, now = (one.assign(more_customers[0])["segment"] for one in (fitted, later))
    if name != "rfm":
        assert set(later.segments["segment"]) == set(fitted.segments["segment"])
        assert (then == now).mean() > 0.9


def test_an_encoder_is_trained_once_and_anew_with_another_seed(customers, more_customers):
    segmentation = load_segmentation("autoencoder")
    config = segmentation.config(**CONFIGS["autoencoder"])
    first = segmentation.fit(customers, config)
    later = segmentation.fit(more_customers[0], config, previous=first)
    assert later.encoder is first.encoder
    other = segmentation.config(**CONFIGS["autoencoder"], seed=1)
    assert segmentation.fit(customers, other, previous=first).encoder is not first.encoder


def test_an_unknown_segmentation_names_the_valid_ones():
    with pytest.raises(NotFoundError, match="Did you mean 'features'"):
        load_segmentation("feature")


def test_a_column_that_is_missing_is_named(customers):
    segmentation = load_segmentation("features")
    fitted = segmentation.fit(customers, segmentation.config(choosing=FAST))
    fewer = Customers(customers.ids, customers.features.drop("orders"), customers.described)
    with pytest.raises(InputError, match="orders"):
        fitted.assign(fewer)
    with pytest.raises(InputError, match="Did you mean 'orders'"):
        segmentation.fit(customers, segmentation.config(columns=("order",)))
    with pytest.raises(InputError, match="RFM needs the feature 'orders'"):
        load_segmentation("rfm").fit(fewer, load_segmentation("rfm").config())


def test_customers_without_vectors_are_told_what_to_do(customers):
    bare = Customers(customers.ids, customers.features, customers.described)
    segmentation = load_segmentation("behavior")
    with pytest.raises(InputError, match="foresell fit behavior"):
        segmentation.fit(bare, segmentation.config())


def test_one_customer_twice_is_refused(customers):
    with pytest.raises(InputError, match="one row"):
        customers.take(np.array([1, 1]))


def test_events_are_encoded_and_those_who_did_nothing_too(customers, kinds):
    random = np.random.default_rng(0)
    rows = [
        (f"c{place}", 1_700_000_000 + int(86_400 * kind * 20 * step + random.integers(3_600)), event)
        for place, kind in enumerate(kinds[:120])
        for step in range(4)
        for event in (("view_item", "purchase") if kind == 0 else ("view_item",))
        if place != 7
    ]
    actions = pl.DataFrame(rows, schema=["customer_id", "seconds", "event_name"], orient="row").select(
        "customer_id",
        "event_name",
        occurred_at=pl.from_epoch("seconds").dt.replace_time_zone("UTC"),
        quantity=pl.lit(None, pl.Float64),
    )
    some = customers.take(np.arange(120))
    some = Customers(some.ids, some.features, some.described, actions=actions)
    segmentation = load_segmentation("autoencoder")
    config = segmentation.config(over="events", choosing=FAST, latent=2, width=8, max_epochs=30)
    fitted = segmentation.fit(some, config)
    found = fitted.assign(some)
    assert found["segment"].null_count() == 0
    assert adjusted_rand(found["segment"].to_numpy()[:7], kinds[:7]) > 0
    again = segmentation.load(fitted.to_config(), fitted.to_tables(), fitted.to_weights())
    assert again.assign(some).equals(found)
    with pytest.raises(InputError, match="what customers did"):
        fitted.assign(customers)


def test_the_numbers_of_the_recurrent_network_are_those_of_torch():
    torch = pytest.importorskip("torch")
    from foresell.predict.customers.segments.encoding import encode_steps
    from foresell.predict.customers.segments.networks import EventAutoencoder
    from foresell.predict.customers.segments.steps import NUM_NUMBERS, Steps

    torch.manual_seed(0)
    model = EventAutoencoder(5, 6, 3)
    random = np.random.default_rng(0)
    lengths = np.array([4, 2, 1, 0])
    event = np.where(np.arange(4) < lengths[:, None], random.integers(1, 5, (4, 4)), 0)
    numbers = random.normal(size=(4, 4, NUM_NUMBERS)).astype(np.float32)
    weights = {key: value.numpy() for key, value in model.state_dict().items()}
    found = encode_steps(Steps(event, numbers, lengths), weights)
    with torch.no_grad():
        x = torch.cat([model.events(torch.from_numpy(event)), torch.from_numpy(numbers)], dim=-1)
        states, _ = model.recurrent(x)
        wanted = [model.to_latent(states[row, length - 1]).numpy() for row, length in enumerate(lengths[:3])]
    np.testing.assert_allclose(found[:3], wanted, atol=1e-6)
    assert (found[3] == 0).all()
