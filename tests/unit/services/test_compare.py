"""Two ways to run a shop are compared by what the same customers bring in."""

import json
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import ForesellError, InputError, NotFoundError
from foresell.services.compare.money import compare_scenarios, live
from foresell.services.compare.scenario import make_scenario, read_scenario
from foresell.simulator.frozen import frozen_world

SMALL = {"customers": 200, "days": 12}
A = """
world = "many_tastes"
[shop]
customers = 200
days = 12
"""
B = A + '[policies]\nprice = "list_price"\nprice_factor = 1.2\n'


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "thumb.toml").write_text(A, encoding="utf-8")
    (tmp_path / "dear.toml").write_text(B, encoding="utf-8")
    return tmp_path / "thumb.toml", tmp_path / "dear.toml"


def test_a_scenario_is_its_world_with_what_differs(files: tuple[Path, Path]) -> None:
    scenario = read_scenario(files[1], days=5)
    world = frozen_world("many_tastes")
    assert scenario.settings.people == world.people
    assert (scenario.settings.shop.customers, scenario.settings.shop.days) == (200, 5)
    assert scenario.policies == {"price": "list_price", "price_factor": 1.2}


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ({"world": "many_taste"}, NotFoundError, "many_tastes"),
        ({"peeple": {}}, InputError, "people"),
        ({"people": {"price_elastic": 1}}, InputError, "price_elasticity"),
        ({"policies": {"recommend": "best_seller"}}, InputError, "best_sellers"),
        ({"policies": "best_sellers"}, InputError, "must be a section"),
        ({"people": {"habit_rate": 2}}, InputError, "habit_rate"),
    ],
)
def test_what_is_wrong_in_a_scenario_is_named(
    tree: dict[str, object], error: type[ForesellError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_scenario("a", tree, where="a.toml")


def test_the_same_scenario_earns_exactly_the_same() -> None:
    scenario = make_scenario("a", {"world": "tight_supply", "shop": SMALL}, where="a")
    compared = compare_scenarios(scenario, scenario, (1, 2))
    for line in compared.lines.values():
        assert (line.difference.lower, line.difference.upper) == (0.0, 0.0)


def test_a_policy_that_remembers_begins_each_life_anew() -> None:
    tree = {"world": "many_tastes", "shop": SMALL, "policies": {"recommend": "more_like_viewed"}}
    scenario = make_scenario("a", tree, where="a")
    assert live(scenario, 4) == live(scenario, 4)


def test_scenarios_must_be_equally_long_and_seeds_several() -> None:
    a, b = (make_scenario("x", {"shop": {**SMALL, "days": days}}, where="x") for days in (3, 4))
    with pytest.raises(InputError, match="not equally long"):
        compare_scenarios(a, b, (1, 2))
    with pytest.raises(InputError, match="One seed"):
        compare_scenarios(a, a, (1,))


def test_the_command_prints_every_line_and_draws_it(files: tuple[Path, Path], tmp_path: Path) -> None:
    runner = CliRunner()
    page, picture = tmp_path / "a.html", tmp_path / "a.svg"
    shown = runner.invoke(
        app, ["simulate", "compare", *map(str, files), "--seeds", "2", "--days", "6", "--plot", str(page)]
    )
    assert shown.exit_code == 0, shown.output
    assert "gross_margin" in shown.output
    assert "paired 95%" in shown.output
    asked = runner.invoke(
        app, ["simulate", "compare", *map(str, files), "--seeds", "2", "--json", "--plot", str(picture)]
    )
    record = json.loads(asked.stdout)
    assert record["seeds"] == [1, 2]
    profit = next(line for line in record["lines"] if line["line"] == "profit")
    assert profit["lower"] <= profit["b_less_a"] <= profit["upper"]
    text = unescape(page.read_text(encoding="utf-8"))
    assert "default-src 'none'" in text
    assert "<script" not in text
    drawn = ElementTree.parse(picture).getroot()  # noqa: S314 (our own file)
    assert len(drawn.findall("{http://www.w3.org/2000/svg}circle")) == len(record["lines"])


def test_a_plot_of_another_kind_is_refused_before_anything_is_lived(files: tuple[Path, Path]) -> None:
    shown = CliRunner().invoke(app, ["simulate", "compare", *map(str, files), "--plot", "a.png"])
    assert shown.exit_code != 0
    assert isinstance(shown.exception, InputError)
