"""Versions of models: put to work, rolled back, and a damaged one refused."""

import polars as pl
import pytest

from foresell.contracts.errors import ConflictError, ForesellError, NotFoundError
from foresell.services.models_in_use import known_model, known_models, promote, roll_back
from foresell.services.production import load_production, put_to_work
from foresell.services.shop import Shop
from foresell.store.models import Origin


def put(shop: Shop, number: int) -> None:
    table = pl.DataFrame({"value": [number]})
    scores = {"test": {"ndcg@10": number / 10}}
    put_to_work(shop, "recommend", "popularity", {}, {"products": table}, origin=Origin(), scores=scores)


def test_versions_are_put_to_work_and_back(shop: Shop) -> None:
    assert known_models(shop) == []
    with pytest.raises(NotFoundError):
        known_model(shop, "recommend")
    for number in (1, 2, 3):
        put(shop, number)
    [model] = known_models(shop)
    assert [one.version for one in model.versions] == ["0003", "0002", "0001"]
    assert model.at_work == model.versions[0]
    assert model.versions[0].scores == {"test": {"ndcg@10": 0.3}}
    assert roll_back(shop, "recommend").version == "0002"
    assert load_production(shop, "recommend").tables["products"]["value"].to_list() == [2]
    assert promote(shop, "recommend", "0001").is_in_production
    with pytest.raises(ConflictError):
        roll_back(shop, "recommend")


def test_a_damaged_version_is_refused_and_the_old_one_stays(shop: Shop) -> None:
    put(shop, 1)
    put(shop, 2)
    table = shop.folder.models / "recommend" / "0001" / "tables" / "products.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"?")
    with pytest.raises(ForesellError):
        promote(shop, "recommend", "0001")
    at_work = known_model(shop, "recommend").at_work
    assert at_work is not None
    assert at_work.version == "0002"
