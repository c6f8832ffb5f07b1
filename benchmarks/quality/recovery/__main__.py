"""Recovery over many seeds: bias and coverage of four estimates against the truth of their worlds.

python -m benchmarks.quality.recovery --seeds 200 --out recovery.json
"""

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import polars as pl
from benchmarks.quality.recovery.estimators import (
    Estimate,
    leaving_hazard,
    position_power,
    price_elasticity,
    uncensored_demand,
)
from benchmarks.quality.recovery.worlds import (
    RandomOrder,
    RandomPrices,
    daily_sales,
    live,
    plain_world,
    shop_tables,
)

from foresell.simulator.draws import Draws
from foresell.simulator.people import DAYS_OF_MONTH
from foresell.simulator.policies import Policies, WeeksOfCover

Trial = Callable[[int], tuple[Estimate, float]]
MOST_BIAS = 0.10
COVERAGE = (0.90, 0.99)


def elasticity(seed: int) -> tuple[Estimate, float]:
    settings = plain_world(people={"elasticity_spread": 0.0})
    world, days = live(settings, seed, Policies(price=RandomPrices(Draws(seed))))
    return price_elasticity(shop_tables(world, days)["events"]), settings.people.price_elasticity


def position(seed: int) -> tuple[Estimate, float]:
    settings = plain_world(journeys={"exposure_rate": 1.0, "more_pages_rate": 0.0}, shop={"days": 20})
    world, days = live(settings, seed, Policies(recommend=RandomOrder(Draws(seed))))
    return position_power(shop_tables(world, days)["exposures"]), settings.journeys.position_power


def churn(seed: int) -> tuple[Estimate, float]:
    settings = plain_world(
        shop={"days": 90},
        people={"churn_per_month": 0.3, "visit_spread": 0.0, "visits_per_month": 6.0},
        journeys={"login_rate": 1.0, "more_pages_rate": 0.0},
    )
    world, days = live(settings, seed, Policies())
    events = shop_tables(world, days)["events"]
    # Who signed up on the way is a customer only from then on.
    new = events.filter(pl.col("event_name") == "sign_up")["customer_id"].unique()
    zone, start = settings.shop.time_zone, settings.shop.start_date
    day = (pl.col("occurred_at").dt.convert_time_zone(zone).dt.date() - start).dt.total_days()
    visits = events.filter(
        pl.col("customer_id").is_not_null() & ~pl.col("customer_id").is_in(new.implode())
    ).select("customer_id", day=day)
    truth = 1 - (1 - settings.people.churn_per_month) ** (1 / DAYS_OF_MONTH)
    return leaving_hazard(visits.unique(), settings.shop.days), truth


def demand(seed: int) -> tuple[Estimate, float]:
    """The truth is the twin world, in which nothing ever runs out and everybody draws the same lots."""
    # Best sellers would show less of what ran out: recommendations must not follow the sales here.
    policies = Policies(recommend=RandomOrder(Draws(seed)), replenish=WeeksOfCover(0.5))
    limits = {"is_limited": True, "first_cover_days": 10.0, "lead_time_days": 6.0}
    # Lines of one unit, so that a line is never turned down while a unit is left.
    changed = {"shop": {"days": 90}, "journeys": {"second_unit_rate": 0.0}}
    world, days = live(plain_world(stock=limits, **changed), seed, policies)
    twin, twin_days = live(plain_world(**changed), seed, policies)
    return uncensored_demand(daily_sales(world, days)), float(daily_sales(twin, twin_days)["sold"].sum())


TRIALS: dict[str, Trial] = {
    "price elasticity": elasticity,
    "position bias": position,
    "leaving hazard": churn,
    "censored demand": demand,
}


def judge(name: str, seeds: range) -> dict[str, object]:
    """Mean relative bias, and how often the 95% interval holds the truth."""
    found = [TRIALS[name](seed) for seed in seeds]
    bias = fmean(estimate.value / truth - 1 for estimate, truth in found)
    coverage = fmean(estimate.covers(truth) for estimate, truth in found)
    return {
        "truth": name,
        "seeds": len(found),
        "bias": round(bias, 4),
        "coverage": round(coverage, 4),
        "mean_estimate": round(fmean(estimate.value for estimate, _ in found), 4),
        "mean_truth": round(fmean(truth for _, truth in found), 4),
        "mean_standard_error": round(fmean(estimate.standard_error for estimate, _ in found), 5),
        "is_recovered": abs(bias) <= MOST_BIAS and COVERAGE[0] <= coverage <= COVERAGE[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--only", choices=TRIALS, nargs="*", default=list(TRIALS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    results = []
    for name in given.only:
        results.append(judge(name, range(given.seeds)))
        print(json.dumps(results[-1]), flush=True)
    if given.out:
        machine = {"machine": platform.processor() or platform.machine(), "python": platform.python_version()}
        given.out.write_text(json.dumps({**machine, "results": results}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
