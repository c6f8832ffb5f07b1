"""Declare, start and stop experiments, and say who sees what."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foresell.contracts.errors import ConflictError, NotFoundError, did_you_mean
from foresell.services.access.audit import audit_log
from foresell.services.experiments.assigning import assigned
from foresell.services.experiments.declaration import Declaration, make_declaration
from foresell.services.shop import Shop
from foresell.store.experiments import ExperimentState, ExperimentTable, StoredExperiment


@dataclass(frozen=True, slots=True)
class Experiment:
    """`plan`: what was planned when it started; None before."""

    declaration: Declaration
    state: ExperimentState
    made_by: str
    made_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    plan: dict[str, Any] | None

    @property
    def name(self) -> str:
        return self.declaration.name

    def as_record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "experiment_id": self.name,
            "state": self.state,
            "made_by": self.made_by,
            "made_at": self.made_at.isoformat(),
            "started_at": None if self.started_at is None else self.started_at.isoformat(),
            "stopped_at": None if self.stopped_at is None else self.stopped_at.isoformat(),
            "declaration": self.declaration.model_dump(mode="json"),
            "plan": self.plan,
        }


def experiments(shop: Shop, state: ExperimentState | None = None) -> list[Experiment]:
    """The newest first."""
    found = [_experiment(one) for one in ExperimentTable(shop.folder.state).all()]
    return [one for one in found if state is None or one.state == state]


def find_experiment(shop: Shop, name: str) -> Experiment:
    """NotFoundError for one that was not declared."""
    known = experiments(shop)
    for one in known:
        if one.name == name:
            return one
    raise NotFoundError(
        f"There is no experiment '{name}'", do=did_you_mean(name, [one.name for one in known] or ["none yet"])
    )


def declare(shop: Shop, declaration: Declaration, who: str) -> Experiment:
    """Write it down; nobody sees anything of it before it is started. NotFoundError for a version that is
    none, ConflictError for a name that was used before."""
    _refuse_unknown_versions(shop, declaration)
    text = json.dumps(declaration.model_dump(mode="json"), ensure_ascii=False)
    ExperimentTable(shop.folder.state).add(declaration.name, text, who)
    audit_log(shop).append(who, "experiment.declare", None, experiment=declaration.name)
    return find_experiment(shop, declaration.name)


def start(shop: Shop, name: str, who: str) -> Experiment:
    """From now on customers who take part see their variant. The plan is made of the shop's own figures now
    and holds from here on. ConflictError where it ran before, or another runs on one of its surfaces; errors
    as `planning.plan_experiment`."""
    from foresell.services.experiments.planning import plan_experiment

    wanted = find_experiment(shop, name)
    if wanted.state != "declared":
        raise ConflictError(
            f"The experiment '{name}' was started before", received=wanted.state, do="Declare a new one."
        )
    _refuse_unknown_versions(shop, wanted.declaration)
    rivals = [one.name for one in experiments(shop) if one.name != name and _meet(one, wanted)]
    plan = plan_experiment(shop, wanted.declaration)
    if not ExperimentTable(shop.folder.state).start(name, json.dumps(plan.as_record()), rivals):
        raise ConflictError(
            f"'{name}' cannot be started while another runs on its surfaces",
            received=", ".join(one.name for one in experiments(shop, "running")) or "none",
            do="Stop that one first, or declare other surfaces.",
        )
    audit_log(shop).append(who, "experiment.start", None, experiment=name)
    return find_experiment(shop, name)


def stop(shop: Shop, name: str, who: str) -> Experiment:
    """Everybody sees what is in production again. ConflictError where it does not run."""
    find_experiment(shop, name)
    if not ExperimentTable(shop.folder.state).stop(name):
        raise ConflictError(
            f"The experiment '{name}' does not run", do="`foresell experiment list` shows them."
        )
    audit_log(shop).append(who, "experiment.stop", None, experiment=name)
    return find_experiment(shop, name)


def variant_of(shop: Shop, name: str, customer_id: str) -> str | None:
    """Which variant a customer sees while it runs; None: they do not take part."""
    found = assigned(shop.key, find_experiment(shop, name).declaration, customer_id)
    return None if found is None else found.name


def _meet(one: Experiment, other: Experiment) -> bool:
    return bool(set(one.declaration.surfaces) & set(other.declaration.surfaces))


def _refuse_unknown_versions(shop: Shop, declaration: Declaration) -> None:
    from foresell.services.rules import show_rules
    from foresell.store.model_versions import resolve

    for variant in declaration.variants:
        if variant.model is not None:
            resolve(shop.folder.models, "recommend", variant.model)
        if variant.rules:
            show_rules(shop, variant.rules)


def _experiment(stored: StoredExperiment) -> Experiment:
    return Experiment(
        make_declaration(json.loads(stored.declaration), stored.experiment_id),
        stored.state,
        stored.made_by,
        stored.made_at,
        stored.started_at,
        stored.stopped_at,
        None if stored.plan is None else json.loads(stored.plan),
    )
