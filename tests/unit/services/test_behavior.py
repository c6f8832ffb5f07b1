"""The behavior model of a shop: trained, killed and resumed, warmed up, its vectors kept as a table."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.behavior import BehaviorRequest, FittedBehavior, fit_behavior, load_behavior
from foresell.services.embeddings import embed
from foresell.services.erase import erase
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.results import read_results, write_results
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.sources.readers import ReadOptions
from foresell.store.models import load_artifact

PRODUCTS = [(f"p{n}", f"{'Green tea' if n % 2 else 'Dark coffee'} number {n}", 3 + n) for n in range(8)]
EVENTS = "event_id,event_name,occurred_at,session_id,customer_id,product_id"
START = datetime(2024, 1, 1, 9, tzinfo=UTC)
CHANGES = {"width": 8, "max_epochs": 3, "patience": 3, "batch_size": 16, "num_negatives": 8}
REQUEST = BehaviorRequest(preset="tiny", changes=CHANGES)
CATALOG = "product_id,title,category,price"
KEY = "5a" * 32


def event(number: int, customer: int, day: float, product: str, name: str = "view_item") -> str:
    at = START + timedelta(days=day, minutes=customer)
    return f"e{number},{name},{at.isoformat()},s{customer}-{int(day) // 7},c{customer},{product}"


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty customers, who each took eight products, one after the other, a day apart; p8 is never taken."""
    folder = tmp_path_factory.mktemp("behavior")
    rows = [event(c * 8 + d, c, d, f"p{(c % 3 + d) % 8}") for c in range(20) for d in range(8)]
    products = [f"{key},{title},tea,{price}" for key, title, price in [*PRODUCTS, ("p8", "Green tea new", 4)]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", KEY)
        shop = create_shop(folder / "store")
        import_lines(shop, folder / "events.csv", "events", [EVENTS, *rows])
        import_lines(shop, folder / "products.csv", "products", [CATALOG, *products])
    return shop.folder.root


@pytest.fixture
def busy_shop(imported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A copy of that store, to change."""
    monkeypatch.setenv("FORESELL_KEY", KEY)
    return open_shop(Path(shutil.copytree(imported, tmp_path / "store")))


def import_lines(shop: Shop, path: Path, preset: str, lines: Sequence[str]) -> None:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    import_files(shop, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))


def fit(shop: Shop, request: BehaviorRequest = REQUEST, **given: object) -> FittedBehavior:
    fitted = fit_behavior(shop, request, **given)  # type: ignore[arg-type]
    assert fitted is not None
    return fitted


def vectors(shop: Shop, entity: str) -> dict[str, list[float]]:
    rows = read_results(shop, "embeddings").filter(pl.col("entity_type") == entity)
    return dict(zip(rows["entity_id"], rows["vector"].to_list(), strict=True))


def test_a_fit_leaves_an_artifact_and_vectors_of_everybody(busy_shop: Shop) -> None:
    fitted = fit(busy_shop)
    assert (fitted.label, fitted.num_customers, fitted.num_actions) == ("behavior/0001", 20, 160)
    assert fitted.num_products == 9, "the catalog's unsold product too"
    assert len(fitted.curve) == 3
    assert set(fitted.scores) == {"recall@10", "ndcg@10"}
    artifact = load_artifact(busy_shop.folder.models, "behavior")
    assert artifact.kind == "behavior"
    assert artifact.manifest["training_tables"]["events"] >= 0
    assert artifact.manifest["seed"] == 0
    assert artifact.tables["curve"].height == 3
    model, _ = load_behavior(busy_shop)
    of_products = vectors(busy_shop, "product")
    np.testing.assert_allclose(of_products["p3"], model.product_vectors()[3], rtol=1e-6)
    assert np.linalg.norm(of_products["p8"]) > 0, "by its content alone"
    assert set(vectors(busy_shop, "customer")) == {f"c{n}" for n in range(20)}
    assert not (busy_shop.folder.models / "behavior" / ".training").exists()
    assert not any(busy_shop.folder.root.glob(".work/behavior*"))


def test_a_killed_training_goes_on_to_the_same_weights(busy_shop: Shop) -> None:
    class KilledError(Exception):
        pass

    said: list[str] = []

    def kill(doing: str, _done: float, _total: float | None) -> None:
        if doing.startswith("epoch   2"):
            raise KilledError

    whole = fit(busy_shop)
    with pytest.raises(KilledError):
        fit(busy_shop, progress=kill)
    resumed = fit(busy_shop, progress=lambda doing, *_: said.append(doing))
    assert any("going on from epoch" in line for line in said)
    assert [row["loss"] for row in resumed.curve] == [row["loss"] for row in whole.curve]
    first, second = (load_artifact(busy_shop.folder.models, "behavior", v).weights for v in ("0001", "0002"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_another_training_begins_anew(busy_shop: Shop) -> None:
    def kill(doing: str, _done: float, _total: float | None) -> None:
        if doing.startswith("epoch   2"):
            raise ConflictError("killed")

    with pytest.raises(ConflictError):
        fit(busy_shop, progress=kill)
    other = BehaviorRequest(preset="tiny", changes={**CHANGES, "seed": 1})
    said: list[str] = []
    assert len(fit(busy_shop, other, progress=lambda doing, *_: said.append(doing)).curve) == 3
    assert not any("going on" in line for line in said)


def test_nothing_after_the_cutoff_is_learned(busy_shop: Shop) -> None:
    cutoff = START + timedelta(days=4)
    fitted = fit(busy_shop, BehaviorRequest(preset="tiny", changes=CHANGES, cutoff=cutoff))
    assert fitted.num_actions == 20 * 4
    artifact = load_artifact(busy_shop.folder.models, "behavior")
    assert artifact.manifest["cutoff"] == cutoff.isoformat()
    assert read_results(busy_shop, "embeddings")["cutoff_at"].unique().to_list() == [cutoff]
    embed(busy_shop, ["customer"])
    rows = read_results(busy_shop, "embeddings").filter(pl.col("entity_type") == "customer")
    assert sorted(rows["cutoff_at"].is_null().to_list()) == [False] * 20 + [True] * 20


def test_new_events_change_a_customers_vector_without_training(busy_shop: Shop, tmp_path: Path) -> None:
    fit(busy_shop)
    before = vectors(busy_shop, "customer")
    new = [event(900, 1, 9, "p7"), event(901, 77, 9, "p1")]
    import_lines(busy_shop, tmp_path / "new.csv", "events", [EVENTS, *new])
    answer = embed(busy_shop, ["customer", "session"])
    after = vectors(busy_shop, "customer")
    assert answer == {"model": "behavior/0001", "rows": {"customer": 21, "session": 41}}
    assert not np.allclose(before["c1"], after["c1"])
    np.testing.assert_allclose(before["c2"], after["c2"], rtol=1e-4, atol=1e-6)
    assert "c77" in after
    assert set(vectors(busy_shop, "session")) >= {"s1-0", "s1-1"}


def test_a_warm_start_knows_the_new_day(busy_shop: Shop, tmp_path: Path) -> None:
    fit(busy_shop)
    import_lines(busy_shop, tmp_path / "p9.csv", "products", [CATALOG, "p9,Dark coffee new,tea,9"])
    bought = [event(950 + c, c, 9, "p9", "add_to_cart") for c in range(20)]
    import_lines(busy_shop, tmp_path / "new.csv", "events", [EVENTS, *bought])
    said: list[str] = []
    warm = fit(busy_shop, BehaviorRequest(warm_start=True), progress=lambda doing, *_: said.append(doing))
    assert (warm.label, warm.num_products, len(warm.curve)) == ("behavior/0002", 10, 3)
    artifact = load_artifact(busy_shop.folder.models, "behavior")
    assert artifact.manifest["parents"] == ["behavior/0001"]
    old = load_artifact(busy_shop.folder.models, "behavior", "0001").tables["vocabulary_products"]
    grown = artifact.tables["vocabulary_products"]["product_id"].to_list()
    assert grown == [*old["product_id"], "p9"], "no index ever moves"
    assert artifact.tables["vocabulary_events"]["event_name"].to_list() == ["view_item", "add_to_cart"]
    with pytest.raises(InputError, match="knows what came after"):
        fit(busy_shop, BehaviorRequest(warm_start=True, cutoff=START))
    with pytest.raises(InputError, match="as it is"):
        fit(busy_shop, BehaviorRequest(warm_start=True, changes={"width": "16"}))


def test_erasing_a_customer_erases_their_vectors_and_no_product(busy_shop: Shop) -> None:
    fit(busy_shop)
    embed(busy_shop, ["session"])
    made = {"model": "recommend/0001", "product_id": "p1", "made_at": START}
    of_sessions = [{"customer_id": f"s{c}-0", "rank": 1, "score": 1.0, "reason": "", **made} for c in (1, 2)]
    write_results(busy_shop, "recommendations", pl.DataFrame(of_sessions), replaces={})
    erased = erase(busy_shop, ["c1"])
    assert erased.models_to_retrain == ("behavior/0001",)
    assert "c1" not in vectors(busy_shop, "customer")
    assert len(vectors(busy_shop, "customer")) == 19
    assert "s1-0" not in vectors(busy_shop, "session")
    assert len(vectors(busy_shop, "session")) == 38
    assert len(vectors(busy_shop, "product")) == 9
    assert read_results(busy_shop, "recommendations")["customer_id"].to_list() == ["s2-0"]


def test_a_touched_model_is_refused(busy_shop: Shop) -> None:
    fit(busy_shop)
    weights = busy_shop.folder.models / "behavior" / "0001" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ConflictError, match="not as it was saved"):
        embed(busy_shop)


def test_what_cannot_be_done_is_said(shop: Shop) -> None:
    with pytest.raises(InputError, match="nothing to learn"):
        fit(shop)
    with pytest.raises(NotFoundError, match="foresell fit behavior"):
        embed(shop)
    with pytest.raises(NotFoundError, match="preset"):
        fit(shop, BehaviorRequest(preset="tinny"))
    with pytest.raises(InputError, match="width"):
        fit(shop, BehaviorRequest(preset="tiny", changes={"width": "wide"}))
