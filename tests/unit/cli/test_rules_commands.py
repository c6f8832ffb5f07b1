"""`foresell rules`: what is passed on, what is answered, what is refused."""

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

RULES = """
[[rules]]
name = "adults"
kind = "min_age"
category = ["Wine", "Beer"]
age = 18
surfaces = "email"
from = 2026-01-01
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    monkeypatch.chdir(tmp_path)
    shop = create_shop(tmp_path / "store", {"store": {"language": "zh"}})
    (tmp_path / "products.csv").write_text("product_id,category\nw,Wine\nt,Tea\n", encoding="utf-8")
    request = ImportRequest(tmp_path / "products.csv", "products", options=ReadOptions(delimiter=","))
    import_files(shop, request)
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    (tmp_path / "beer.toml").write_text(RULES.replace('"Wine", ', ""), encoding="utf-8")
    return shop.folder.root


def call(*arguments: object) -> str:
    answer = CliRunner().invoke(app, ["rules", *map(str, arguments)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_from_check_to_clear(store: Path) -> None:
    at = ("--store", store)
    checked = json.loads(call("check", "rules.toml", "--json", *at))
    assert checked == {"rules": [{"name": "adults", "kind": "min_age", "num_products": 1, "warnings": []}]}
    assert "No rules are in force" in call("list", *at)
    assert "never had rules" in call("history", *at)

    loaded = json.loads(call("load", "rules.toml", "--by", "Ann", "--note", "by law", "--json", *at))
    assert (loaded["version"], loaded["made_by"], loaded["note"], loaded["num_rules"]) == (
        1,
        "Ann",
        "by law",
        1,
    )
    listed = json.loads(call("list", "--json", *at))
    assert listed == {
        "version": 1,
        "rules": [
            {
                "name": "adults",
                "kind": "min_age",
                "options": {"age": 18},
                "selection": {"category": ["Wine", "Beer"]},
                "surfaces": ["email"],
                "from": "2026-01-01",
                "until": None,
                "dates": [],
                "priority": 0,
            }
        ],
    }
    assert "min_age" in call("list", *at)
    assert call("show", *at).strip() == RULES.strip()
    assert "1 rules, in force" in call("load", "beer.toml", "--by", "Bob", *at)
    assert json.loads(call("show", "--version", 1, "--json", *at))["is_in_force"] is False
    assert json.loads(call("check", "--json", *at))["rules"][0]["num_products"] == 0
    assert "Version 3" in call("clear", "--by", "Ann", *at)
    assert [v["made_by"] for v in json.loads(call("history", "--json", *at))["versions"]] == [
        "Ann",
        "Bob",
        "Ann",
    ]


def test_warnings_are_in_the_shop_s_language(store: Path) -> None:
    record = json.loads(call("check", "beer.toml", "--json", "--store", store))["rules"][0]
    assert record["warnings"] == ["所选条件没有匹配到任何商品。", "没有商品因此受到年龄限制。"]
    shown = CliRunner().invoke(
        app, ["rules", "check", "beer.toml", "--language", "en", "--store", str(store)]
    )
    assert "adults: Its selection matches no product." in shown.stderr


def test_kinds(store: Path) -> None:
    kinds = json.loads(call("kinds", "--json"))["kinds"]
    assert {"kind": "exclude", "what it does": "what is selected is never shown"} in kinds
    assert len(kinds) == 15
    assert "选中的商品一律不展示" in call("kinds", "--language", "zh")


def test_a_wrong_word_is_answered_with_the_right_one(store: Path) -> None:
    Path("rules.toml").write_text(RULES.replace("min_age", "min_aged"), encoding="utf-8")
    with pytest.raises(InputError, match="Did you mean 'min_age'"):
        call("load", "rules.toml", "--by", "Ann", "--store", store)
