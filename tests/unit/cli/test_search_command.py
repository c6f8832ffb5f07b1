"""`foresell search`: what it prints, and what it asks for."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import InputError
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import create_shop
from foresell.sources.readers import ReadOptions

pytest.importorskip("tantivy", reason="pip install 'foresell[search]'")

EVENTS = "event_id,event_name,occurred_at,customer_id,search_query"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    shop = create_shop(tmp_path / "store")
    files = {
        "products": ["product_id,title", "p1,Rote Schuhe", "p2,红色运动鞋"],
        "events": [
            EVENTS,
            "e1,search,2026-01-01T10:00Z,a,sofa",
        ],
    }
    for preset, lines in files.items():
        path = tmp_path / f"{preset}.csv"
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        import_files(shop, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))
    return str(tmp_path / "store")


def run(*arguments: str):
    return CliRunner().invoke(app, ["search", *arguments])


def test_it_prints_a_table_or_json(store):
    assert "Rote Schuhe" in run("schue", "--store", store).stdout
    answer = json.loads(run("运动鞋", "--store", store, "--json").stdout)
    assert [item["product_id"] for item in answer["items"]] == ["p2"]
    assert "Nothing in the catalog fits" in run("qzxwvkj", "--store", store).stdout


def test_it_tells_what_was_searched_in_vain(store):
    answer = json.loads(run("--zero-results", "--store", store, "--json").stdout)
    assert [(row["query"], row["searches"]) for row in answer["searches"]] == [("sofa", 1)]
    later = run("--zero-results", "--since", "2026-02-01", "--store", store)
    assert "Every search of the events finds something" in later.stdout


@pytest.mark.parametrize("arguments", [(), ("shoes", "--zero-results")])
def test_it_takes_a_query_or_the_report(store, arguments):
    ended = run(*arguments, "--store", store)
    assert isinstance(ended.exception, InputError)
