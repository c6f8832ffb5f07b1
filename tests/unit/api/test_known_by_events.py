"""Who and what is known to the shop by live events alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from foresell.api.application import make_app
from foresell.contracts.settings import make_settings, settings_toml
from foresell.services.access.accounts import add_key
from foresell.services.access.roles import SCOPES
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.upkeep import rebuild

NOW = datetime.now(UTC)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    return create_shop(tmp_path / "store")


def send(shop: Shop) -> None:
    """Somebody new buys something new, by the API; and it is moved."""
    _, key = add_key(shop, "shop", list(SCOPES), "test")
    bought = [
        {
            "event_id": f"e{number}",
            "event_name": "purchase",
            "occurred_at": (NOW - timedelta(days=number)).isoformat(),
            "customer_id": "new",
            "product_id": "fresh",
            "price": "4.5",
        }
        for number in range(3)
    ]
    app = make_app(shop)
    with TestClient(app) as client:
        headers = {"Authorization": f"Bearer {key}"}
        assert client.post("/v1/events", json=bought, headers=headers).json()["accepted"] == 3
        app.state.served.live.move()
        events = client.get("/v1/customers/new/events", headers=headers).json()
        assert [one["product_id"] for one in events] == ["fresh"] * 3
        assert client.get("/v1/customers/new/predictions", headers=headers).status_code == 200


def ids(shop: Shop, table: str, column: str) -> list[str]:
    with shop.reading() as tables:
        return [row[column] for row in tables.current(table).to_pyarrow().to_pylist()]


def test_events_alone_make_no_customer_and_no_product(shop: Shop) -> None:
    send(shop)
    assert ids(shop, "customers", "customer_id") == ids(shop, "products", "product_id") == []


def test_where_the_shop_says_so_they_make_customers_and_products_also_after_a_rebuild(shop: Shop) -> None:
    settings = make_settings({"serve": {"events_make": ["customers", "products"]}})
    shop.folder.settings_path.write_text(settings_toml(settings))
    told = open_shop(shop.folder.root)
    send(told)
    assert ids(told, "customers", "customer_id") == ["new"]
    assert ids(told, "products", "product_id") == ["fresh"]
    shop.folder.settings_path.write_text(settings_toml(make_settings({})))
    rebuild(open_shop(shop.folder.root))
    assert ids(told, "products", "product_id") == ["fresh"], "how a run is read stands beside it"
