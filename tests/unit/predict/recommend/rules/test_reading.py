"""Rules as a shop writes them: all of docs/rules.md is read; what is wrong is named with what is right."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.rules import RULES, SURFACES, load_kind
from foresell.predict.recommend.rules.compiling import compile_rules, constraints
from foresell.predict.recommend.rules.constraints import CustomerFacts
from foresell.predict.recommend.rules.reading import FRAME_KEYS, read_rules, rules_from_text
from foresell.predict.recommend.rules.rule import Selection

PAGE = Path(__file__).resolve().parents[5] / "docs" / "rules.md"
AT = datetime(2026, 12, 24, 12, tzinfo=UTC)


def examples() -> str:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return "\n".join(blocks)


def test_the_page_shows_every_kind_and_key_and_all_of_it_works() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rules = rules_from_text(examples(), "docs/rules.md", "Europe/Berlin")
    assert {rule.kind for rule in rules} == set(RULES)
    for word in (*Selection.model_fields, *FRAME_KEYS, *SURFACES):
        assert f"`{word}`" in text, word
    for kind in RULES:
        for option in load_kind(kind).options.model_fields:
            assert option in text, (kind, option)
    assortment = Assortment.of(pl.DataFrame({"product_id": ["a"]}))
    for surface in SURFACES:
        compile_rules(rules, assortment, surface, AT).for_customer(CustomerFacts())


def test_no_key_means_two_things() -> None:
    for kind in RULES:
        options = set(load_kind(kind).options.model_fields)
        assert not options & {*Selection.model_fields, *FRAME_KEYS}, kind


WRONG = {
    "kind = 'exclud'": "Did you mean 'exclude'",
    "brand = 'x'": "has no kind",
    "kind = 'exclude'\nbrnad = 'x'": "Did you mean 'brand'",
    "kind = 'exclude'": "which products it is about.*brand",
    "kind = 'exclude'\nbrand = 'x'\nsurfaces = ['e-mail']": "Did you mean 'email'",
    "kind = 'exclude'\nbrand = 7": "brand",
    "kind = 'exclude'\nbrand = []": "brand",
    "kind = 'exclude'\nbrand = ' '": "brand",
    "kind = 'exclude'\nprice_below = 'cheap'": "price_below",
    "kind = 'exclude'\nprice_below = nan": "price_below",
    "kind = 'exclude'\nis_on_offer = 1": "is_on_offer",
    "kind = 'cap'\nmost = 2\nby = 'brnd'": "Did you mean 'brand'",
    "kind = 'cap'\nmost = 0": "most",
    "kind = 'cap'\nby = 'brand'": "lacks `most`",
    "kind = 'cap'\nmost = true": "most",
    "kind = 'pin'\nproduct_id = 'a'\nplace = 0": "place",
    "kind = 'pin'\nproduct_id = 'a'\nplace = 1\nbrand = 'x'": "no key 'brand'",
    "kind = 'boost'\nbrand = 'x'\nfactor = 0.5": "factor",
    "kind = 'bury'\nbrand = 'x'\nfactor = 2": "factor",
    "kind = 'price_range'": "least, most or both",
    "kind = 'price_range'\nleast = 5\nmost = 4": "least is above most",
    "kind = 'blackout'": "does not say when",
    "kind = 'in_stock'\nfrom = 2026-02-01\nuntil = 2026-01-31": "ends before it begins",
    "kind = 'in_stock'\nuntil = 9999-12-31": "no year to plan for",
    "kind = 'in_stock'\nfrom = 12:00:00": "from",
    "kind = 'in_stock'\nfrom = 'tomorrow'": "from",
    "kind = 'in_stock'\ndates = [2026-01-01T10:00:00]": "dates",
    "kind = 'in_stock'\npriority = 1.5": "priority",
}


@pytest.mark.parametrize("rule", WRONG)
def test_what_is_wrong_is_named(rule: str) -> None:
    with pytest.raises(InputError, match=f"(?s)rules.toml, rule 1 \\('x'\\).*{WRONG[rule]}"):
        rules_from_text(f"[[rules]]\nname = 'x'\n{rule}\n", "rules.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rules]", "not TOML"),
        ("[[rule]]\nname = 'x'", "Did you mean 'rules'"),
        ("rules = 3", r"\[\[rules\]\]"),
        ("rules = [1]", r"\[\[rules\]\]"),
        ("[[rules]]\nkind = 'in_stock'", "lacks `name`"),
        ("[[rules]]\nname = 'x'\nkind = 'in_stock'\n" * 2, "is taken"),
        ("[[rules]]\nname = 'hidden or discontinued'\nkind = 'in_stock'", "is taken"),
        (
            "[[rules]]\nname='x'\nkind='frequency_cap'\nmost=1\ndays=7\n"
            "[[rules]]\nname='y'\nkind='frequency_cap'\nmost=5\ndays=30",
            "different numbers of days",
        ),
    ],
)
def test_files_that_are_wrong_as_a_whole(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rules_from_text(text, "rules.toml")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        read_rules(tmp_path / "no.toml")
    (tmp_path / "picture").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="no text file"):
        read_rules(tmp_path / "picture")
    assert rules_from_text("", "empty.toml") == ()


def test_the_span_of_a_rule() -> None:
    [found] = rules_from_text(
        "[[rules]]\nname = 'x'\nkind = 'in_stock'\nfrom = 2026-03-29\nuntil = 2026-03-29\n",
        "f",
        "Europe/Berlin",
    )
    begins, ends = found.span()
    assert (begins, ends) == (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
    assert begins
    assert ends
    assert found.holds("email", begins)
    assert not found.holds("email", ends)
    assert found.begins == date(2026, 3, 29)


def test_a_compilation_is_good_until_a_rule_changes() -> None:
    text = "[[rules]]\nname = 'x'\nkind = 'blackout'\ndates = [2026-12-25]\n"
    rules = rules_from_text(text, "f", "Europe/Berlin")
    assortment = Assortment.of(pl.DataFrame({"product_id": ["a"]}))
    before = compile_rules(rules, assortment, "email", AT)
    assert before.valid_until == datetime(2026, 12, 24, 13, tzinfo=UTC)
    late = compile_rules(rules, assortment, "email", datetime(2026, 12, 24, 22, 30, tzinfo=UTC))
    assert late.valid_until == datetime(2026, 12, 24, 23, tzinfo=UTC)
    assert not late.for_customer(CustomerFacts()).is_forbidden(0)
    then = compile_rules(rules, assortment, "email", late.valid_until)
    assert then.for_customer(CustomerFacts()).why(0) == ("x",)


def test_an_empty_shop_and_positions_that_are_none() -> None:
    rules = rules_from_text(examples(), "f")
    empty = Assortment.of(pl.DataFrame({"product_id": []}, {"product_id": pl.String}))
    found = constraints(rules, empty, surface="email", at=AT, customer=CustomerFacts())
    assert found.size == 0
    for position in (-1, 0):
        with pytest.raises(InputError, match="no such product"):
            found.why(position)
    with pytest.raises(InputError, match="time zone"):
        compile_rules(rules, empty, "email", datetime(2026, 1, 1))  # noqa: DTZ001
