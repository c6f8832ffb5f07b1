"""A small shop that is served, and clients of every role."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from foresell.api.application import make_app
from foresell.services.access.accounts import add_account, add_key
from foresell.services.access.roles import ROLES, SCOPES
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.live.limits import Limits
from foresell.services.live.live_shop import LiveShop
from foresell.services.production import put_to_work
from foresell.services.shop import Shop, create_shop

PASSWORD = "correct horse battery"  # noqa: S105
KEY = "5e" * 32
PRODUCTS = ("bread", "butter", "jam", "soap", "towel", "novel")
CUSTOMERS = tuple(f"c{number}" for number in range(1, 7))


def event(event_id: str, **more: object) -> dict[str, object]:
    return {
        "event_id": event_id,
        "event_name": "view_item",
        "occurred_at": datetime.now(UTC).isoformat(),
        "product_id": "bread",
        **more,
    }


@dataclass(frozen=True)
class Served:
    """`keys`: by role, and `all` with every scope."""

    shop: Shop
    live: LiveShop
    app: Any
    client: TestClient
    keys: dict[str, str]

    def ask(self, method: str, path: str, role: str = "all", **more: Any) -> Any:
        return self.client.request(
            method, path, headers={"Authorization": f"Bearer {self.keys[role]}"}, **more
        )

    def get(self, path: str, **more: Any) -> Any:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: object, **more: Any) -> Any:
        return self.ask("POST", path, json=body, **more)


@pytest.fixture(scope="module", autouse=True)
def _key() -> Iterator[None]:
    """Set anew for each file: what is set for the whole run may be undone by another folder's end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", KEY)
        yield


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", KEY)
        shop = create_shop(folder / "store")
        _import(
            shop,
            folder,
            "products",
            "product_id,title,category",
            [f"{one},The {one},home" for one in PRODUCTS],
        )
        _import(shop, folder, "events", "event_id,event_name,occurred_at,customer_id,product_id", _history())
        put_a_model_to_work(shop)
        return shop


def put_a_model_to_work(shop: Shop) -> str:
    """The simplest recommender, fitted and not judged: another version each time."""
    from dataclasses import asdict

    from foresell.predict.recommend import load_model
    from foresell.predict.recommend.backtest import config_of
    from foresell.predict.recommend.interactions import described_products, interactions
    from foresell.store.models import Origin

    with shop.reading_matched() as tables:
        config = config_of("popularity", shop.settings)
        fitted = load_model("popularity").fit(interactions(tables), config, described_products(tables))
    return put_to_work(shop, "recommend", "popularity", asdict(config), fitted.to_tables(), origin=Origin())


def _history() -> list[str]:
    first = datetime.now(UTC) - timedelta(days=20)
    return [
        f"h{c}-{p},purchase,{(first + timedelta(days=p, hours=c)).isoformat()},{customer},{product}"
        for c, customer in enumerate(CUSTOMERS)
        for p, product in enumerate(PRODUCTS[c % 3 : c % 3 + 3])
    ]


def _import(shop: Shop, folder: Path, preset: str, header: str, rows: list[str]) -> None:
    path = folder / f"{preset}.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    import_files(shop, ImportRequest(path, preset))


@pytest.fixture(scope="session")
def served(small_shop: Shop) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", KEY)
        limits = Limits(body_bytes=50_000, batch_events=100, move_seconds=3_600)
        keys = {
            role: add_key(small_shop, role, list(scopes), "test")[1]
            for role, scopes in {**ROLES, "all": tuple(SCOPES)}.items()
        }
        for role in ROLES:
            add_account(small_shop, f"some-{role}", role, PASSWORD, "test")
        app = make_app(small_shop, limits=limits, origins=["https://shop.example"])
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Served(small_shop, app.state.served.live, app, client, keys)
            # What waits is moved at the end, when no test has set the key.
            patch.setenv("FORESELL_KEY", KEY)
