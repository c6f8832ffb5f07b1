"""The difference in money between two scenarios, by line of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.services.compare.scenario import Scenario
from foresell.services.shop import Progress, silent

if TYPE_CHECKING:
    from foresell.evaluation.paired import PairedDifference
    from foresell.simulator.ledger import Ledger


@dataclass(frozen=True)
class Comparison:
    """Two scenarios, lived `days` days with each of `seeds`. `lines`: line of the ledger → money of a whole
    life, B less A."""

    first: Scenario
    second: Scenario
    days: int
    seeds: tuple[int, ...]
    lines: dict[str, "PairedDifference"]

    def rows(self) -> list[dict[str, object]]:
        """A row a line: means, difference, its paired 95% interval, and how much narrower that is."""
        return [
            {
                "line": name,
                "a": line.first,
                "b": line.second,
                "b_less_a": line.difference.value,
                "lower": line.difference.lower,
                "upper": line.difference.upper,
                "times_narrower": line.times_narrower,
            }
            for name, line in self.lines.items()
        ]

    def as_record(self) -> dict[str, object]:
        return {
            "a": {"name": self.first.name, "policies": dict(self.first.policies)},
            "b": {"name": self.second.name, "policies": dict(self.second.policies)},
            "days": self.days,
            "seeds": list(self.seeds),
            "lines": self.rows(),
        }


def compare_scenarios(
    first: Scenario, second: Scenario, seeds: Sequence[int], progress: Progress = silent
) -> Comparison:
    """Both scenarios with the same seeds: the same customers, in the same mood, on the same days.

    Errors: InputError (fewer than two seeds, or different numbers of days).
    """
    from foresell.evaluation.paired import paired_difference
    from foresell.simulator.ledger import MONEY_LINES

    days = first.settings.shop.days
    if second.settings.shop.days != days:
        raise InputError(
            "The two scenarios are not equally long",
            received=f"{days} and {second.settings.shop.days} days",
            do="Give both the same [shop] days, or add --days.",
        )
    if len(seeds) < 2:
        raise InputError("One seed gives no interval", received=len(seeds), do="Take 2 seeds or more.")
    lived: tuple[list[Ledger], list[Ledger]] = ([], [])
    for place, seed in enumerate(seeds):
        progress("living", place, len(seeds))
        for scenario, ledgers in zip((first, second), lived, strict=True):
            ledgers.append(live(scenario, seed))
    lines = {
        name: paired_difference(*([getattr(one, name) for one in ledgers] for ledgers in lived))
        for name in MONEY_LINES
    }
    return Comparison(first, second, days, tuple(seeds), lines)


def live(scenario: Scenario, seed: int) -> "Ledger":
    """The money of all days of a scenario."""
    from foresell.simulator.ledger import Ledger
    from foresell.simulator.rules.choosing import make_policies
    from foresell.simulator.world import World

    policies = make_policies(scenario.policies, where=scenario.name)
    world = World(scenario.settings, seed)
    total = Ledger()
    for _ in range(scenario.settings.shop.days):
        total += world.step(policies).ledger
    return total
