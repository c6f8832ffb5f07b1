"""Bring everything that is derived up to date: what a schedule calls.

Each step notes what it was made of: the versions of the tables, the models in production, the settings. Where
nothing of that has changed it is skipped, so that calling it again is cheap and changes nothing. A step that
fails, or finds somebody else writing, does not keep the others from their work.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from foresell.contracts.errors import BusyError, ForesellError, InputError, did_you_mean, plain_reason
from foresell.contracts.tables import TABLES
from foresell.services.shop import Progress, Shop, silent
from foresell.store.alerts import Condition

Outcome = Literal["done", "current", "nothing", "busy", "failed"]
# What exit codes say: of several, the first of these.
WORST: tuple[Outcome, ...] = ("failed", "busy", "done", "current", "nothing")
FAILED_KIND = "refresh.failed"
LINKS = ("customer_links", "order_links")


@dataclass(frozen=True, slots=True)
class Step:
    """`work` returns what was done, in words; None: there is nothing to do in this shop. `is_always`: it
    hangs on the time as well; `reads_models`: on what is in production, and the rules."""

    work: Callable[[Shop, Progress], str | None]
    is_always: bool = False
    reads_models: bool = True


@dataclass(frozen=True, slots=True)
class StepResult:
    """`outcome`: done; current: nothing had changed since; nothing: not for this shop; busy: somebody else
    wrote for a minute; failed: `note` says why and what to do."""

    step: str
    outcome: Outcome
    note: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Refreshed:
    results: tuple[StepResult, ...]

    @property
    def worst(self) -> Outcome:
        found = {one.outcome for one in self.results}
        return next((outcome for outcome in WORST if outcome in found), "nothing")

    def as_record(self) -> dict[str, Any]:
        return {"outcome": self.worst, "steps": [asdict(one) for one in self.results]}


def refresh(
    shop: Shop, what: Collection[str] = (), progress: Progress = silent, *, is_forced: bool = False
) -> Refreshed:
    """Do the steps of STEPS, or those named, in their order. `is_forced`: also where nothing has changed.

    Safe beside other writers: each step takes the store's lock for itself. What failed raises an alert, which
    is over when it works. InputError for a step that is none.
    """
    from foresell.services.monitoring.steps import STEPS

    for name in what:
        if name not in STEPS:
            raise InputError(f"There is no step '{name}'", do=did_you_mean(name, STEPS))
    results: list[StepResult] = []
    for name, step in STEPS.items():
        if what and name not in what:
            continue
        progress(f"refresh: {name}", len(results), len(what or STEPS))
        results.append(_do(shop, name, step, progress, is_forced))
        _alert_of(shop, results[-1])
    return Refreshed(tuple(results))


def last_refresh(shop: Shop) -> dict[str, datetime]:
    """Step → when it was last done, or found current."""
    from foresell.services.monitoring.steps import STEPS

    told = {name: shop.folder.state.meta(_key(name)) for name in STEPS}
    return {name: datetime.fromisoformat(json.loads(text)["at"]) for name, text in told.items() if text}


def _do(shop: Shop, name: str, step: Step, progress: Progress, is_forced: bool) -> StepResult:
    began = datetime.now(UTC)

    def result(outcome: Outcome, note: str) -> StepResult:
        return StepResult(name, outcome, note, round((datetime.now(UTC) - began).total_seconds(), 3))

    if not (is_forced or step.is_always) and _known(shop, name) == _made_of(shop, step):
        _note(shop, name, step)
        return result("current", "")
    try:
        done = step.work(shop, progress)
    except BusyError as error:
        return result("busy", error.message)
    except ForesellError as error:
        return result("failed", error.message)
    except Exception as error:  # noqa: BLE001  # the other steps go on, and this one is told of
        return result("failed", f"{type(error).__name__}: {plain_reason(error)}")
    _note(shop, name, step)
    return result("nothing", "") if done is None else result("done", done)


def _key(name: str) -> str:
    return f"refresh:{name}"


def _known(shop: Shop, name: str) -> str | None:
    text = shop.folder.state.meta(_key(name))
    return None if text is None else str(json.loads(text)["made_of"])


def _note(shop: Shop, name: str, step: Step) -> None:
    told = {"at": datetime.now(UTC).isoformat(), "made_of": _made_of(shop, step)}
    shop.folder.state.set_meta(_key(name), json.dumps(told))


def _made_of(shop: Shop, step: Step) -> str:
    """What a step hangs on, as a hash."""
    from foresell.services.production import PRODUCTION
    from foresell.store.model_versions import list_models, pointers

    folder = shop.folder
    versions = {n: v for n, v in folder.tables.versions().items() if n in TABLES or n in LINKS}
    told: list[object] = [versions, shop.settings.model_dump(mode="json")]
    if step.reads_models:
        rules = folder.state.rule_sets()
        names = list_models(folder.models)
        told.append({name: pointers(folder.models, name).get(PRODUCTION) for name in names})
        told.append(rules[-1].version if rules else 0)
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _alert_of(shop: Shop, result: StepResult) -> None:
    """A step that fails raises an alert; of one that works it is over. Whoever is busy changes nothing."""
    from foresell.services.monitoring.alerts import raise_alerts

    kind = f"{FAILED_KIND}.{result.step}"
    if result.outcome == "busy":
        return
    found = []
    if result.outcome == "failed":
        found = [
            Condition(
                kind,
                result.step,
                "error",
                f"Refreshing failed at '{result.step}': {result.note}",
                f"Run: foresell refresh --what {result.step}",
                f"刷新步骤“{result.step}”失败：{result.note}",
                f"请运行：foresell refresh --what {result.step}",
                {"step": result.step},
            )
        ]
    raise_alerts(shop, found, (kind,))
