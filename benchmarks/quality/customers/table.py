"""The rows of the table: which figure of which benchmark, and what it must be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# What was found, in words, and whether it is enough.
Read = Callable[[Mapping[str, Any]], tuple[str, bool]]
LARGEST_CALIBRATION_ERROR, LEAST_RANK_CORRELATION = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Row:
    benchmark: str
    data: str
    what: str
    goal: str
    read: Read


def _published(record: Mapping[str, Any]) -> tuple[str, bool]:
    told = record["published"]["from_transactions"]
    found = ", ".join(f"{name} {value:.6g}" for name, value in told["found"].items())
    return found, all(told["equal"].values())


def _ahead(record: Mapping[str, Any]) -> tuple[str, bool]:
    """Whole orders, against each rival as it is published: BG/NBD's mean, the last period's count."""
    differences = record["ahead"]["differences"]
    rivals = ("bg_nbd mean", "last_period_repeats")
    maes = [differences[f"whole less {rival}"]["mae"] for rival in rivals]
    ranks = [differences[f"whole less {rival}"]["rank_correlation"] for rival in rivals]
    figure = "; ".join(
        f"less {rival}: MAE {_signed(mae)}, rank correlation {_signed(rank)}"
        for rival, mae, rank in zip(rivals, maes, ranks, strict=True)
    )
    return figure, all(mae[2] < 0 for mae in maes) and all(rank[1] > 0 for rank in ranks)


def _same_form(record: Mapping[str, Any]) -> tuple[str, bool]:
    found = record["ahead"]["differences"]["mean less bg_nbd mean"]
    figure = f"MAE {_signed(found['mae'])}, rank correlation {_signed(found['rank_correlation'])}"
    return figure, found["mae"][2] < 0 and found["rank_correlation"][1] > 0


def _five_parts(record: Mapping[str, Any]) -> tuple[str, bool]:
    own = record["parts"]["foresell"]["mean_of_parts"]
    return f"AUROC {own['auroc']:.4f}, AUPR {own['aupr']:.4f}", own["auroc"] >= 0.934 and own["aupr"] >= 0.754


def _months(rival: str) -> Read:
    def read(record: Mapping[str, Any]) -> tuple[str, bool]:
        months = record["months"]
        own, less = months["test"]["foresell"], months["foresell_less"][rival]
        parts = [
            f"{name.upper()} {own[name]['value']:.4f}, {_interval(less[name])}" for name in ("auroc", "aupr")
        ]
        return "; ".join(parts), all(less[name]["lower"] > 0 for name in less)

    return read


def _task(name: str, rival: str) -> Read:
    def read(record: Mapping[str, Any]) -> tuple[str, bool]:
        told = record["tasks"][name]
        chosen = told["models"][told["chosen_on_validation"]]
        less = chosen[f"less_{rival}"]["auroc"]
        auroc = chosen["scores"]["auroc"]["value"]
        figure = f"{told['chosen_on_validation']}: AUROC {auroc:.4f}, {_interval(less)}"
        return figure, less["lower"] > 0

    return read


def _calibration(name: str) -> Read:
    def read(record: Mapping[str, Any]) -> tuple[str, bool]:
        told = record["tasks"][name]
        error = told["models"][told["chosen_on_validation"]]["scores"]["calibration_error"]["value"]
        return f"{error:.4f}", error < LARGEST_CALIBRATION_ERROR

    return read


def _world(world: str, start: str) -> Read:
    """The best of the figures whose name starts so, in the mean over seeds, and what can be known at all."""

    def read(record: Mapping[str, Any]) -> tuple[str, bool]:
        told = next(one for one in record["results"] if one["world"] == world)["summary"]
        found = {name: one["mean"] for name, one in told.items() if name.startswith(start)}
        ceiling = found.pop(f"{start}: ceiling", float("nan"))
        name, best = max(found.items(), key=lambda one: one[1], default=("nothing", float("nan")))
        figure = f"{name.removeprefix(start).strip(': ')}: {best:.2f} (ceiling {ceiling:.2f})"
        return figure, best >= LEAST_RANK_CORRELATION

    return read


def _adjusted_rand(record: Mapping[str, Any]) -> tuple[str, bool]:
    """Reported, with what a classifier that was told the truth reaches; nothing must be reached."""
    parts = []
    for one in record["results"]:
        found = [told["mean"] for name, told in one["summary"].items() if name.startswith("segments")]
        parts.append(f"{one['world']} {max(found):.2f} of {one['summary']['ceiling']['mean']:.2f}")
    return ", ".join(parts), True


def _signed(found: list[float]) -> str:
    value, lower, upper = found
    return f"{value:+.4f} ({lower:+.4f} to {upper:+.4f})"


def _interval(found: Mapping[str, float]) -> str:
    return f"less the rival {_signed([found['value'], found['lower'], found['upper']])}"


SHOPPERS = "UCI online shoppers"
JOURNEY = "The Complete Journey"
ROWS: tuple[Row, ...] = (
    Row("cdnow", "CDNOW", "BG/NBD, Gamma-Gamma", "the published figures to their digits", _published),
    Row(
        "cdnow",
        "CDNOW master",
        "the next 39 weeks, whole orders",
        "better than both rivals as published",
        _ahead,
    ),
    Row("cdnow", "CDNOW master", "the same, means against BG/NBD's means", "better", _same_form),
    Row("shoppers", SHOPPERS, "five parts, all columns", "AUROC ≥ .934, AUPR ≥ .754", _five_parts),
    Row(
        "shoppers",
        SHOPPERS,
        "no PageValues, November and December, against LightGBM tuned on the file's columns",
        "above, interval without 0",
        _months("lightgbm_with_month"),
    ),
    Row(
        "shoppers",
        SHOPPERS,
        "the same, against LightGBM tuned and told to leave out the month",
        "above, interval without 0",
        _months("lightgbm"),
    ),
    Row("journey_tasks", JOURNEY, "churn", "above LightGBM on counts", _task("churn", "lightgbm")),
    Row("journey_tasks", JOURNEY, "churn, calibration error", "< .02", _calibration("churn")),
    Row(
        "journey_tasks",
        JOURNEY,
        "will_buy_category",
        "above LightGBM on counts",
        _task("will_buy_category", "lightgbm"),
    ),
    Row(
        "journey_tasks",
        JOURNEY,
        "will_buy_category, calibration error",
        "< .02",
        _calibration("will_buy_category"),
    ),
    Row(
        "retail_tasks",
        "UCI Online Retail",
        "an order in the next 90 days",
        "above RFM logistic regression",
        _task("orders_in_90_days", "rfm logistic"),
    ),
    Row(
        "simulator",
        "simulator",
        "leaving, default world",
        "rank correlation ≥ .5",
        _world("default", "leaving"),
    ),
    Row(
        "simulator", "simulator", "leaving, many visits", "rank correlation ≥ .5", _world("visits", "leaving")
    ),
    Row(
        "simulator",
        "simulator",
        "price sensitivity, default world",
        "rank correlation ≥ .5",
        _world("default", "price_sensitivity"),
    ),
    Row(
        "simulator",
        "simulator",
        "price sensitivity, deep promotions",
        "rank correlation ≥ .5",
        _world("promotions", "price_sensitivity"),
    ),
    Row("simulator", "simulator", "true segments", "adjusted Rand reported", _adjusted_rand),
)
