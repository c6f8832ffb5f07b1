"""Rules in the store: versions that are only ever added, and that outlive what is derived again."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.backups import backup
from foresell.services.rules import (
    check_rules,
    clear_rules,
    current_rules,
    history,
    load_rules,
    show_rules,
)
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.services.upkeep import rebuild

FIRST = '[[rules]]\nname = "no tobacco"\nkind = "exclude"\ncategory = "Tobacco"\n'
SECOND = '[[rules]]\nname = "stock"\nkind = "in_stock"\nuntil = 2026-12-31\n'
PRODUCTS = "product_id,title,category"


@pytest.fixture
def toml(tmp_path: Path) -> Any:
    def write(text: str, name: str = "rules.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_loading_supersedes_and_forgets_nothing(shop: Shop, toml: Any) -> None:
    assert current_rules(shop) == (0, ())
    before = datetime.now(UTC)
    load_rules(shop, toml(FIRST), " Ann ", note="by law")
    load_rules(shop, toml(SECOND), "Bob")
    version, [rule] = current_rules(shop)
    assert (version, rule.name, rule.kind) == (2, "stock", "in_stock")
    cleared = clear_rules(shop, "Ann", "season is over")
    assert current_rules(shop) == (3, ())
    first, second, third = history(shop)
    assert third == cleared
    told = [(v.version, v.made_by, v.note, v.num_rules, v.is_in_force) for v in (first, second, third)]
    assert told == [
        (1, "Ann", "by law", 1, False),
        (2, "Bob", "", 1, False),
        (3, "Ann", "season is over", 0, True),
    ]
    assert before <= first.made_at <= second.made_at <= third.made_at
    assert show_rules(shop, 1).text == FIRST
    assert show_rules(shop).version == 3


def test_days_are_those_of_the_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: Any) -> None:
    monkeypatch.setenv("FORESELL_KEY", "5a" * 32)
    shop = create_shop(tmp_path / "store", {"store": {"time_zone": "Asia/Shanghai"}})
    load_rules(shop, toml(SECOND), "Ann")
    _, [rule] = current_rules(shop)
    assert rule.ends == date(2026, 12, 31)
    assert rule.span() == (None, datetime(2026, 12, 31, 16, tzinfo=UTC))


def test_what_cannot_be_read_changes_nothing(shop: Shop, toml: Any, tmp_path: Path) -> None:
    load_rules(shop, toml(FIRST), "Ann")
    for path, by in (
        (toml("[[rules]]\nkind = 'exclud'\n", "bad.toml"), "Ann"),
        (toml("", "empty.toml"), "Ann"),
        (toml(SECOND, "good.toml"), "  "),
        (tmp_path, "Ann"),
    ):
        with pytest.raises(InputError):
            load_rules(shop, path, by)
    with pytest.raises(InputError, match="Nobody"):
        clear_rules(shop, "")
    with pytest.raises(NotFoundError, match="no file"):
        load_rules(shop, tmp_path / "missing.toml", "Ann")
    assert [version.version for version in history(shop)] == [1]


def test_versions_that_are_not_there(shop: Shop, toml: Any) -> None:
    with pytest.raises(NotFoundError, match="no rules"):
        show_rules(shop)
    load_rules(shop, toml(FIRST), "Ann")
    with pytest.raises(NotFoundError, match="version 7"):
        show_rules(shop, 7)


def test_rules_outlive_a_rebuild_and_are_in_a_backup(
    shop: Shop, toml: Any, tmp_path: Path, import_rows: Any
) -> None:
    import_rows("p1,Pipe,Tobacco", header=PRODUCTS, preset="products")
    load_rules(shop, toml(FIRST), "Ann")
    before = history(shop)
    rebuild(shop)
    assert history(open_shop(shop.folder.root)) == before
    assert history(open_shop(backup(shop, tmp_path / "copy"))) == before


def test_a_store_made_before_there_were_rules(shop: Shop, toml: Any) -> None:
    with sqlite3.connect(shop.folder.state.path) as connection:
        connection.execute("DROP TABLE rule_sets")
    old = open_shop(shop.folder.root)
    assert current_rules(old) == (0, ())
    assert history(old) == []
    load_rules(old, toml(FIRST), "Ann")
    assert current_rules(old)[0] == 1


def test_checking_says_what_each_rule_touches(shop: Shop, toml: Any, import_rows: Any) -> None:
    import_rows("p1,Pipe,Tobacco", "p2,Tea,Drinks", header=PRODUCTS, preset="products")
    more = '[[rules]]\nname = "beer"\nkind = "exclude"\ncategory = "Beer"\n'
    more += '[[rules]]\nname = "top"\nkind = "pin"\nproduct_id = "p9"\nplace = 1\n'
    path = toml(FIRST + SECOND + more)
    touched = check_rules(shop, path, at=datetime(2027, 1, 2, tzinfo=UTC))
    assert [(touch.name, touch.num_products) for touch in touched] == [
        ("no tobacco", 1),
        ("stock", 2),
        ("beer", 0),
        ("top", 0),
    ]
    assert [[w.english for w in touch.warnings] for touch in touched] == [
        [],
        ["It forbids every product.", "It is over."],
        ["Its selection matches no product."],
        ["Not sold here: p9."],
    ]
    assert touched[3].as_record("zh")["warnings"] == ["本店没有这些商品：p9。"]
    assert check_rules(shop) == ()
    load_rules(shop, toml(FIRST), "Ann")
    assert [touch.num_products for touch in check_rules(shop)] == [1]
    assert [version.version for version in history(shop)] == [1]
