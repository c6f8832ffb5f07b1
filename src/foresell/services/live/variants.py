"""What answers those who take part in a running experiment, and who of them was shown it first."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from foresell.contracts.errors import ForesellError
from foresell.services.experiments.assigning import assigned
from foresell.services.experiments.declaration import Declaration, Variant
from foresell.services.experiments.exposing import Exposure, log_exposures
from foresell.services.experiments.running import experiments
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.knowledge import Knowledge
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.predict.recommend.serving.request import Answer, Request
    from foresell.services.live.mind import Answering

# Of so many (experiment, customer) it is remembered that their exposure is logged; the table knows of all.
MOST_EXPOSED = 1_000_000


@dataclass(frozen=True)
class Running:
    """`recommenders`: variant → what answers; a variant without one is answered as in production."""

    declaration: Declaration
    recommenders: "dict[str, Recommender]"


@dataclass(frozen=True)
class Chosen:
    """The experiment and variant of a request, and what answers it (None: what is in production)."""

    experiment_id: str
    variant: str
    recommender: "Recommender | None"

    def marked(self, answer: "Answer") -> "Answer":
        return replace(answer, experiment_id=self.experiment_id, variant=self.variant)


class Variants:
    """The running experiments of a shop that is served. Safe for many threads: a question reads one dict,
    which is replaced as a whole."""

    def __init__(self) -> None:
        self._key = b""
        self._by_surface: dict[str, Running] = {}
        self._exposed: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        # Experiment → why none of its variants is shown.
        self.problems: dict[str, str] = {}

    def of(self, request: "Request") -> Chosen | None:
        """None where no experiment runs on the surface, nobody known asks, or they do not take part."""
        running = self._by_surface.get(request.surface)
        if running is None or request.customer_id is None:
            return None
        variant = assigned(self._key, running.declaration, request.customer_id)
        if variant is None:
            return None
        return Chosen(running.declaration.name, variant.name, running.recommenders.get(variant.name))

    def refresh(self, shop: Shop, answering: "Answering | None") -> None:
        """Read what runs now. An experiment with a variant that cannot answer, or fails its trial, is not
        shown to anybody, and `problems` says why."""
        found: dict[str, Running] = {}
        problems: dict[str, str] = {}
        for one in experiments(shop, "running") if answering is not None else ():
            try:
                running = _ready(shop, answering, one.declaration)
            except ForesellError as error:
                problems[one.name] = error.what
                continue
            found |= dict.fromkeys(one.declaration.surfaces, running)
        self._key = shop.key if found else b""
        self._by_surface, self.problems = found, problems

    def forget(self) -> None:
        """Forget who was exposed: somebody was erased. Whoever is shown something again is logged again, and
        the table keeps the first."""
        with self._lock:
            self._exposed.clear()

    def expose(self, shop: Shop, answers: "Sequence[Answer]") -> None:
        """Log who is shown a variant for the first time that this process knows of; on the disk when it
        returns."""
        fresh = [one for one in answers if one.experiment_id is not None and self._is_new(one)]
        if not fresh:
            return
        log_exposures(shop, list(self._exposures(fresh)))
        with self._lock:
            if len(self._exposed) > MOST_EXPOSED:
                self._exposed.clear()
            self._exposed |= {_pair(one) for one in fresh}

    def _is_new(self, answer: "Answer") -> bool:
        return bool(answer.items) and _pair(answer) not in self._exposed

    def _exposures(self, answers: "Iterable[Answer]") -> "Iterable[Exposure]":
        shares = {
            (running.declaration.name, variant.name): variant.share
            for running in self._by_surface.values()
            for variant in running.declaration.variants
        }
        for answer in answers:
            experiment, customer = _pair(answer)
            variant = str(answer.variant)
            # An answer that waited to be shown while its experiment was stopped was seen nevertheless.
            share = shares.get((experiment, variant), 1.0)
            made_by = f"{answer.model}; rules {answer.rules_version}; {answer.policy}"
            yield Exposure(experiment, variant, customer, made_by, share, answer.made_at)


def _pair(answer: "Answer") -> tuple[str, str]:
    return str(answer.experiment_id), str(answer.request.customer_id)


def _ready(shop: Shop, answering: "Answering | None", declaration: Declaration) -> Running:
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.services.live.mind import trial

    recommenders: dict[str, Recommender] = {}
    for variant in declaration.variants:
        if not variant.changes or answering is None:
            continue
        # Histories are shared: what somebody does is told to the one in production, and known to all.
        with shop.reading_matched() as tables:
            known = _knowledge(shop, tables, variant)
            own = Recommender(known, answering.recommender.histories, answering.shown)
            own.prepare()
        trial(own)
        recommenders[variant.name] = own
    return Running(declaration, recommenders)


def _knowledge(shop: Shop, tables: object, variant: Variant) -> "Knowledge":
    """What is in production, with what the variant changes."""
    from foresell.predict.recommend.serving.knowledge import Exploring
    from foresell.predict.recommend.serving.rerank import Reranking
    from foresell.services.production import load_recommender
    from foresell.services.recommender import make_knowledge, rules_at

    model = None if variant.model is None else load_recommender(shop, variant.model)
    known = make_knowledge(shop, tables, model)  # type: ignore[arg-type]  # tables of a shop, open
    settings = shop.settings.recommend
    changes = variant.changes
    weights = ("diversity", "novelty", "calibration")
    asked = {name: changes.get(name, getattr(settings, name)) for name in weights}
    policy = changes.get("exploration", known.exploring.policy)
    epsilon = changes.get("epsilon", known.exploring.epsilon)
    known = replace(
        known,
        reranking=Reranking(**asked),
        exploring=Exploring(policy, epsilon, known.exploring.click_rate),
    )
    return known if variant.rules is None else known.with_rules(rules_at(shop, variant.rules), variant.rules)
