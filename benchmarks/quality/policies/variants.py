"""The policies that are measured, each against the rules of thumb, and how sure their gains are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from foresell.evaluation.paired import PairedDifference, paired_difference
from foresell.services.compare.money import live
from foresell.services.compare.scenario import make_scenario
from foresell.simulator.ledger import MONEY_LINES, Ledger

# Each differs in one decision from best sellers at the list price with promotions as planned and two weeks
# of cover.
VARIANTS: dict[str, dict[str, object]] = {
    "at random": {"recommend": "at_random"},
    "best earners": {"recommend": "best_earners"},
    "more like viewed": {"recommend": "more_like_viewed"},
    "prices 25% down": {"price": "list_price", "price_factor": 0.75},
    "prices 25% up": {"price": "list_price", "price_factor": 1.25},
    "cost plus 60%": {"price": "cost_plus", "price_markup": 0.6},
    "clearance": {"price": "clearance"},
    "no promotions": {"promote": "scaled", "promote_factor": 0.0},
    "one week of cover": {"replenish": "weeks_of_cover", "replenish_weeks": 1},
    "four weeks of cover": {"replenish": "weeks_of_cover", "replenish_weeks": 4},
    "safety stock": {"replenish": "safety_stock"},
}
FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class Gain:
    """What a policy earns more than the rules of thumb, by line of the ledger."""

    policy: str
    lines: dict[str, PairedDifference]

    @property
    def profit(self) -> PairedDifference:
        return self.lines["profit"]

    @property
    def holds_zero(self) -> bool:
        return self.profit.difference.lower <= 0 <= self.profit.difference.upper


def lives(
    world: str, policies: dict[str, object], seeds: Iterable[int], shop: dict[str, object]
) -> list[Ledger]:
    scenario = make_scenario("variant", {"world": world, "shop": shop, "policies": policies}, where=world)
    return [live(scenario, seed) for seed in seeds]


def gains(
    world: str,
    seeds: Sequence[int],
    *,
    names: Iterable[str] = tuple(VARIANTS),
    shop: dict[str, object] | None = None,
    together: bool = False,
) -> list[Gain]:
    """The gains of the named policies in a frozen world. `shop`: what differs in its section [shop].

    Intervals are 95% each or, with `together`, 95% for all at once (Bonferroni).
    """
    chosen = tuple(names)
    level = 1 - FALSE_ALARMS / (len(chosen) if together else 1)
    thumb = lives(world, {}, seeds, shop or {})
    found = []
    for name in chosen:
        lived = lives(world, VARIANTS[name], seeds, shop or {})
        lines = {
            line: paired_difference(
                [getattr(one, line) for one in thumb], [getattr(one, line) for one in lived], level=level
            )
            for line in MONEY_LINES
        }
        found.append(Gain(name, lines))
    return found
