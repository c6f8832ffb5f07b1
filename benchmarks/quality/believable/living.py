"""A world of default settings, lived in memory, as its shop sees it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.simulator.eventlog import NAME
from foresell.simulator.policies import Policies
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import ShardDay
from foresell.simulator.world import World

# An order's number: its day and its person; nobody comes twice a day.
PEOPLE_BOUND = 10**9
COUNTED = ("page_view", "view_item_list", "select_item", "view_item", "purchase")


@dataclass(frozen=True)
class Lived:
    """`lines` and `sessions` as `measures` wants them; `counts`: of events, visits and people."""

    lines: pl.DataFrame
    sessions: pl.DataFrame
    counts: dict[str, int]

    def rates(self) -> dict[str, float]:
        """The rates for which only published averages exist."""
        f = self.counts
        return {
            "conversion rate": f["bought"] / f["visits"],
            "bounce rate": f["bounced"] / f["visits"],
            "visits with a cart": f["carts"] / f["visits"],
            "cart abandonment": 1 - f["bought"] / f["carts"],
            "clicks per list shown": f["select_item"] / f["view_item_list"],
            "visits with one product view": f["one_click"] / f["visits"],
            "visits with two and more": f["more_clicks"] / f["visits"],
            "people who bought": f["buyers"] / f["people"],
        }


def live(settings: WorldSettings, seed: int) -> Lived:
    """Every day of the world, under the rules of thumb."""
    world, policies = World(settings, seed), Policies()
    frames, clicks = [], []
    counts = dict.fromkeys(("events", "visits", "bounced", "carts", "bought", *COUNTED), 0)
    for _ in range(settings.shop.days):
        for done in world.step(policies).shards:
            frames.append(_lines(done))
            clicks.append(_count(done, counts))
    lines, viewed = pl.concat(frames), np.concatenate(clicks)
    counts["one_click"], counts["more_clicks"] = int((viewed == 1).sum()), int((viewed > 1).sum())
    counts["buyers"], counts["people"] = lines["customer"].n_unique(), settings.shop.customers
    return Lived(lines, pl.DataFrame({"clicks": viewed}), counts)


def _lines(done: ShardDay) -> pl.DataFrame:
    person = done.person[done.lines.session]
    order = done.day * PEOPLE_BOUND + person
    columns = {"customer": person, "order": order, "product": done.lines.product}
    return pl.DataFrame(columns).with_columns(day=pl.lit(done.day, pl.Int64))


def _count(done: ShardDay, counts: dict[str, int]) -> np.ndarray:
    """Adds the day to the counts: product views of each session."""
    session, name = done.events["session"], done.events["name"]
    number = len(done.person)
    for event in COUNTED:
        counts[event] += int((name == NAME[event]).sum())
    counts["events"] += len(session)
    counts["visits"] += number
    counts["bounced"] += int((np.bincount(session, minlength=number) == 1).sum())
    counts["carts"] += len(np.unique(session[name == NAME["add_to_cart"]]))
    counts["bought"] += len(np.unique(session[name == NAME["purchase"]]))
    return np.bincount(session[name == NAME["view_item"]], minlength=number)
