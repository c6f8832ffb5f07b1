"""One file's contest from validation to the record."""

import argparse
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.forecasting.contest import Origins, contest, with_values
from benchmarks.quality.forecasting.long import LongFile
from benchmarks.quality.forecasting.mixing import LEARNED, MIXTURES, WIDTHS, Results, with_mixtures
from benchmarks.quality.forecasting.rivals import LIBRARIES, rival_python, run_rival
from benchmarks.quality.forecasting.scoring import by_class, judged, less, of_seeds, scores, uniform
from benchmarks.quality.forecasting.trials import BOOSTED, settings_of_trial

from foresell.evaluation.forecasting import breaks_its_promise, mean_of, score_difference
from foresell.predict.forecast import load_model
from foresell.predict.forecast.model import VALUES
from foresell.predict.forecast.widths import learn_widths

# A model that is worse at validation than the best by more than this takes no part in equal mixtures.
WORST = 1.15
ZERO = "all zeros"


class Run:
    def __init__(self, file: LongFile, origins: Origins, given: argparse.Namespace, work: Path) -> None:
        self.file, self.origins, self.given, self.work = file, origins, given, work
        self.costs: dict[str, dict[str, float]] = {}
        self.fallbacks: dict[str, Mapping[str, int]] = {}

    def results(self) -> dict[str, Any]:
        given = self.given
        entrants = {name: (name, given.settings.get(name, {})) for name in given.models}
        print("validation", flush=True)
        told = self._made(entrants, "validation", 0)
        trials: dict[str, Any] = {}
        if BOOSTED in entrants and given.trials > 1:
            entrants, told, trials = self._tuned(entrants, told)
        members = self._members(told)
        validated = self._validated(told, members)
        found = {name: judged(rows, self.file) for name, rows in validated.items()}
        served = self._served(found)
        print(f"served: {served}\ntest", flush=True)
        of_seed = [self._tested(entrants, validated, members, seed) for seed in range(given.seeds)]
        return self._record(entrants, trials, found, served, of_seed)

    def _served(self, found: Results) -> str:
        """The best at validation; a mixture only where it is surely better than the best model by itself, as
        `foresell fit forecast` chooses."""
        score, names = self.given.score, self._eligible(found)
        alone = [name for name in names if name.removesuffix(WIDTHS) not in MIXTURES]
        best, simplest = (min(some, key=lambda name: mean_of(found[name], score)) for some in (names, alone))
        apart = score_difference(found[best], found[simplest], score, seed=0)
        return best if apart.upper < 0 else simplest

    def _eligible(self, found: Results) -> list[str]:
        """What may be served: each with widths, as a shop would have it. Where one origin is all there is,
        what was learned there cannot be judged there: no widths, and of mixtures only the one without
        weights. Nor have counts widths."""
        if len(self.origins.validation) == 1:
            return [name for name in found if name not in LEARNED and not name.endswith(WIDTHS)]
        return [name for name in found if name.endswith(WIDTHS)] or list(found)

    def _record(
        self,
        entrants: Mapping[str, Any],
        trials: Mapping[str, Any],
        found: Results,
        served: str,
        of_seed: list[Results],
    ) -> dict[str, Any]:
        tested = [{name: judged(rows, self.file) for name, rows in seed.items()} for seed in of_seed]
        ours = tested[0][served]
        rivals, about = self._rivals()
        rivals_judged = {name: judged(rows, self.file) for name, rows in rivals.items()}
        return {
            "seeds": self.given.seeds,
            "settings": {name: dict(settings) for name, (_, settings) in entrants.items()},
            "trials": trials,
            "served": served,
            "validation": {name: scores(one) for name, one in found.items()},
            "test": {name: of_seeds([seed[name] for seed in tested]) for name in tested[0]},
            "test_of_seed_0": {name: scores(one) for name, one in tested[0].items()},
            "by_class": by_class(ours, self.file, self.origins.test[0]),
            "pit": [dict(uniform(seed[served])) for seed in of_seed],
            "rivals": {name: scores(one) for name, one in rivals_judged.items()},
            "rivals_say": about,
            "served_less": {
                name: [less(seed[served], one) for seed in tested] for name, one in rivals_judged.items()
            },
            "seconds": self.costs,
            "fallbacks": self.fallbacks,
        }

    def _made(self, entrants: Mapping[str, Any], part: str, seed: int) -> Results:
        origins = self.origins.validation if part == "validation" else self.origins.test
        found: dict[str, list[pl.DataFrame]] = {}
        for name, _, made in contest(self.file, entrants, origins, self.origins.horizon, seed, self.work):
            found.setdefault(name, []).append(made.rows)
            cost = self.costs.setdefault(name, {"fit": 0.0, "predict": 0.0, "fits": 0})
            cost["fit"] += made.fit_seconds
            cost["predict"] += made.predict_seconds
            cost["fits"] += 1
            self.fallbacks[name] = made.fallbacks
        return {name: pl.concat(parts) for name, parts in found.items()}

    def _tuned(
        self, entrants: Mapping[str, Any], told: Results
    ) -> tuple[dict[str, Any], Results, dict[str, Any]]:
        """Its own settings, or of those tried that are surely better at validation the best: where all are
        alike within chance, the lowest says nothing."""
        given = dict(entrants[BOOSTED][1])
        tried = {
            f"{BOOSTED}~{i}": (BOOSTED, {**given, **settings_of_trial(i)})
            for i in range(1, self.given.trials)
        }
        found = {BOOSTED: told[BOOSTED], **self._made(tried, "validation", 0)}
        scored = {name: judged(rows, self.file) for name, rows in found.items()}
        values = {name: mean_of(rows, self.given.score) for name, rows in scored.items()}
        surely = [
            name
            for name in tried
            if score_difference(scored[name], scored[BOOSTED], self.given.score, seed=0).upper < 0
        ]
        best = min(surely, key=lambda name: values[name], default=BOOSTED)
        settings = {BOOSTED: entrants[BOOSTED], **tried}
        kept = {**entrants, BOOSTED: settings[best]}
        trials = {name: {"settings": settings[name][1], self.given.score: values[name]} for name in values}
        return kept, {**told, BOOSTED: found[best]}, trials

    def _members(self, told: Results) -> list[str]:
        values = {name: mean_of(judged(rows, self.file), self.given.score) for name, rows in told.items()}
        return [name for name, value in values.items() if value <= WORST * min(values.values())]

    def _validated(self, told: Results, members: list[str]) -> Results:
        """`told` and what is made of it, each origin by the others."""
        origins = self.origins.validation
        parts: dict[str, list[pl.DataFrame]] = {}
        for origin in origins:
            known = {name: self._others(rows, origin) for name, rows in told.items()}
            self._add(parts, told, known, members, origin)
        found = {name: pl.concat(rows) for name, rows in parts.items()}
        return found | self._with_widths(found, lambda name, origin: self._others(found[name], origin))

    def _others(self, rows: pl.DataFrame, origin: date) -> pl.DataFrame:
        return rows.filter(pl.col("origin") != origin) if len(self.origins.validation) > 1 else rows

    def _add(
        self,
        parts: dict[str, list[pl.DataFrame]],
        told: Results,
        known: Results,
        members: list[str],
        origin: date,
    ) -> None:
        now = {name: rows.filter(origin=origin) for name, rows in told.items()}
        for name, rows in with_mixtures(now, known, members, whole=self.file.is_count).items():
            parts.setdefault(name, []).append(rows)

    def _with_widths(self, results: Results, past: Callable[[str, date], pl.DataFrame]) -> Results:
        """Each of `results` as `foresell fit forecast` would have it serve at each origin: with the widths
        that held in `past` where its intervals broke their promise there (never of counts)."""
        if self.file.is_count:
            return {}
        found = {}
        for name, rows in results.items():
            parts = []
            for (origin,), own in rows.group_by("origin", maintain_order=True):
                known = past(name, origin)
                is_broken = breaks_its_promise(judged(known, self.file), seed=0)
                parts.append(learn_widths(known).applied(own) if is_broken else own)
            found[name + WIDTHS] = pl.concat(parts)
        return found

    def _tested(
        self, entrants: Mapping[str, Any], validated: Results, members: list[str], seed: int
    ) -> Results:
        told = self._made(entrants, "test", seed)
        parts: dict[str, list[pl.DataFrame]] = {}
        for origin in self.origins.test:
            known = {name: _ended(pl.concat([validated[name], told[name]]), origin) for name in told}
            self._add(parts, told, known, members, origin)
        found = {name: pl.concat(rows) for name, rows in parts.items()}
        whole = {name: pl.concat([validated[name], rows]) for name, rows in found.items()}
        windows = len(self.origins.validation)
        return found | self._with_widths(found, lambda name, origin: _newest(whole[name], origin, windows))

    def _rivals(self) -> tuple[Results, dict[str, Any]]:
        given, horizon = self.given, self.origins.horizon
        naive = load_model("seasonal_naive")
        zeros, naives = [], []
        for origin in self.origins.test:
            panel = self.file.panel(origin, horizon)
            rows = naive.fit(panel, naive.config(horizon=horizon)).forecast(horizon)
            naives.append(with_values(rows, self.file, origin, horizon))
            zeros.append(naives[-1].with_columns(pl.lit(0.0).alias(name) for name in VALUES))
        found: Results = {ZERO: pl.concat(zeros), "seasonal naive": pl.concat(naives)}
        about: dict[str, Any] = {}
        asked = {"statsforecast": bool(given.statsforecast), "mlforecast": not given.no_mlforecast}
        if not any(asked.values()):
            return found, about
        python = given.rival_python or rival_python(given.work / "rivals")
        shared = {
            "horizon": horizon,
            "models": list(given.statsforecast),
            "trials": given.rival_trials or given.trials,
            "seed": 0,
            "validation_windows": len(self.origins.validation),
        }
        for library in LIBRARIES:
            if asked[library]:
                rows_of, says = run_rival(library, python, self.file, self.origins.test, shared, self.work)
                found |= rows_of
                about |= says
        return found, about


def _ended(rows: pl.DataFrame, origin: date) -> pl.DataFrame:
    """Of the windows that had ended by then."""
    return rows.filter(pl.col("date").max().over("origin") <= origin)


def _newest(rows: pl.DataFrame, origin: date, windows: int) -> pl.DataFrame:
    """Of the newest windows that had ended by then: what a shop would judge by, fitting again."""
    ended = _ended(rows, origin)
    newest = ended["origin"].unique().sort().tail(windows)
    return ended.filter(pl.col("origin").is_in(newest.implode()))
