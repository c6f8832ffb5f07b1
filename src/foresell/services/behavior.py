"""Pre-train the behavior model on a shop's history, alone or as one of several processes, and keep it.

    actions → vocabulary → sequences, content → training, resumable → artifact → embeddings

The first process holds the store's lock and writes; the others read what it prepared, and train along.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.results import RESULTS
from foresell.services.production import PRODUCTION, put_to_work
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing
from foresell.store.folder import WORK_NAME

if TYPE_CHECKING:
    from foresell.behavior.pretrained import Pretrained, Recipe
    from foresell.behavior.text import TextEncoder
    from foresell.behavior.workers import Workers
    from foresell.contracts.protocols import Tables
    from foresell.store.models import Artifact

NAME = "behavior"
WARM_EPOCHS = 3
# Within the model's folder: what a killed training goes on from; vectors of texts that were encoded.
TRAINING_NAME, TEXTS_NAME = ".training", ".texts"
PREPARED_NAME = "behavior"


@dataclass(frozen=True)
class BehaviorRequest:
    """What to train. None: as the store's settings, or the version that is warmed up, say.

    `changes`: fields of the preset's configs, by name (`behavior.presets`), as text or as they are.
    `cutoff`: learn only from what was known before it. `warm_start`: go on from the production version.
    """

    preset: str | None = None
    text_encoder: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    cutoff: datetime | None = None
    warm_start: bool = False


@dataclass(frozen=True)
class FittedBehavior:
    """`curve`: a row an epoch; `scores`: of the best one, on the held-out actions."""

    label: str
    preset: str
    num_actions: int
    num_customers: int
    num_products: int
    num_parameters: int
    scores: Mapping[str, float]
    curve: tuple[Mapping[str, Any], ...]
    embeddings: Mapping[str, int]

    def as_record(self) -> dict[str, object]:
        """JSON-ready: scores of nobody are null."""
        curve = [
            {name: value if value == value else None for name, value in row.items()} for row in self.curve
        ]
        return {**asdict(self), "curve": curve}


def require_extra() -> None:
    """InputError where what the behavior model needs is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in ("torch", "safetensors") if find_spec(name) is None]:
        raise InputError(
            f"The behavior model needs {' and '.join(missing)}",
            do="Install the extra: pip install 'foresell[behavior]'",
        )


def fit_behavior(
    shop: Shop, request: BehaviorRequest = BehaviorRequest(), progress: Progress = silent
) -> FittedBehavior | None:
    """Train, keep the artifact as the production version of "behavior", and write the embeddings.

    A training that was killed goes on where its last checkpoint stands, if the same is asked of the same
    tables; else it begins anew. Started by torchrun, several processes train one model; all but the first
    return None. Raises InputError where the extra is missing or there is nothing to learn from.
    """
    require_extra()
    from foresell.behavior.workers import join_workers

    with join_workers() as workers:
        if not workers.is_first:
            _meet(workers)
            _train(shop, workers)
            return None
        with writing(shop, "fit behavior", progress):
            return _Training(shop, request, progress).run(workers)


class _Training:
    """What the first process does, step by step."""

    def __init__(self, shop: Shop, request: BehaviorRequest, progress: Progress) -> None:
        self.shop, self.request, self.progress = shop, request, progress
        self.parent = _parent(shop, request) if request.warm_start else None
        self.recipe = _recipe(shop, request, self.parent)
        # As they are when the history is read: the lock keeps them so.
        self.versions = {n: v for n, v in shop.folder.tables.versions().items() if n not in _OWN_TABLES}

    def run(self, workers: "Workers") -> FittedBehavior:
        from foresell.behavior.sequence_files import open_sequences
        from foresell.services.embeddings import write_embeddings

        prepared = _prepared(self.shop)
        try:
            self._prepare(prepared)
            _meet(workers)
            sequences = open_sequences(prepared / "sequences")
            trained = _train(self.shop, workers, self._say)
        finally:
            shutil.rmtree(prepared, ignore_errors=True)
        with self.shop.reading_matched() as tables:
            whole = with_catalog(self.shop, trained, as_of(tables, self.shop, self.request.cutoff))
        label = self._save(whole)
        shutil.rmtree(_training_folder(self.shop), ignore_errors=True)
        written = write_embeddings(
            self.shop, whole, label, ("customer", "product"), self.request.cutoff, self.progress
        )
        return FittedBehavior(
            label,
            self.recipe.preset_name,
            sequences.num_actions,
            sequences.num_customers,
            whole.vocabulary.num_products,
            whole.num_parameters,
            _best_scores(whole),
            whole.curve,
            written,
        )

    def _say(self, line: str) -> None:
        self.progress(line, 0, None)

    def _prepare(self, folder: Path) -> None:
        """The sequences, and the model as it begins, in files that every process reads."""
        from foresell.behavior.actions import actions, sorted_batches
        from foresell.behavior.sequence_files import open_sequences, write_sequences
        from foresell.behavior.vocabulary import Vocabulary

        self._say("counting what customers did")
        with self.shop.reading_matched() as matched:
            tables = as_of(matched, self.shop, self.request.cutoff)
            rows = actions(tables)
            found = Vocabulary.from_actions(rows)
            if not found.num_products:
                raise _nothing("no action with a product")
            model = self._beginning(found, tables)
            self._say("sorting what customers did")
            with sorted_batches(rows) as batches:
                write_sequences(batches, model.vocabulary, folder / "sequences")
        if open_sequences(folder / "sequences").lengths.max(initial=0) < 2:
            raise _nothing("no customer who did two things")
        model.to_folder(folder)
        state = {
            "recipe": self.recipe.to_record(),
            "tables": self.versions,
            "cutoff": None if self.request.cutoff is None else self.request.cutoff.isoformat(),
            "parent": None if self.parent is None else self.parent.label,
            "repeats": self.shop.settings.recommend.repeats,
        }
        _keep_only(_training_folder(self.shop), _run_of(state))
        (folder / "run.json").write_text(json.dumps(state), encoding="utf-8")

    def _beginning(self, found: Any, tables: "Tables") -> "Pretrained":
        from foresell.behavior.content import content
        from foresell.behavior.pretrained import Pretrained
        from foresell.features.products import products

        self._say("looking at the products")
        known, encoder = products(tables), text_encoder(self.shop, self.recipe)
        if self.parent is None:
            return Pretrained.untrained(self.recipe, found, content(known, found, encoder))
        warm = Pretrained.loaded(self.recipe.to_record(), self.parent.tables, self.parent.weights)
        return warm.grown(found, known, encoder)

    def _save(self, whole: "Pretrained") -> str:
        from foresell.behavior.pretrained import KIND
        from foresell.store.models import Origin

        origin = Origin(
            training_tables=self.versions,
            cutoff=self.request.cutoff,
            seed=self.recipe.chosen.training.seed,
            parents=() if self.parent is None else (self.parent.label,),
        )
        card = (
            "Vectors of customers and products from what customers did. "
            "Validation: the last product of a tenth of the customers, among all products."
        )
        return put_to_work(
            self.shop,
            NAME,
            KIND,
            self.recipe.to_record(),
            whole.to_tables(),
            origin=origin,
            weights=whole.to_weights(),
            scores={"validation": _best_scores(whole)},
            card=card,
        )


_OWN_TABLES = frozenset(RESULTS) - {"customer_links", "order_links"}


def _train(shop: Shop, workers: "Workers", say: Any = None) -> "Pretrained":
    """What every process does: read what was prepared, and train together."""
    from foresell.behavior.checkpoint import Checkpoint
    from foresell.behavior.hold_out import hold_out
    from foresell.behavior.pretrain import pretrain
    from foresell.behavior.pretrained import Pretrained
    from foresell.behavior.sequence_files import open_sequences

    folder = _prepared(shop)
    begun = Pretrained.from_folder(folder)
    state = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    learned, held_out = hold_out(open_sequences(folder / "sequences"), repeats=state["repeats"] == "include")
    # The files are open now, in every process; their names are not needed any more.
    _meet(workers)
    run = _run_of(state)
    chosen = begun.recipe.chosen
    done = pretrain(
        begun.model,
        learned,
        held_out,
        chosen.training,
        chosen.loss,
        workers=workers,
        checkpoint=Checkpoint(_training_folder(shop) / run, run),
        say=say or (lambda line: None),
    )
    begun.model.to("cpu")
    return replace(begun, curve=tuple(done.curve))


def _nothing(received: str) -> InputError:
    return InputError(
        "There is nothing to learn behavior from",
        received=received,
        do="Import orders with customers and products, or events; or choose a later cutoff.",
    )


def _meet(workers: "Workers") -> None:
    """Wait until every process is here."""
    workers.stand_together(0)


def _run_of(state: Mapping[str, Any]) -> str:
    """A training in short: the same for the same recipe, tables, cutoff and beginning."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def _prepared(shop: Shop) -> Path:
    return shop.folder.root / WORK_NAME / PREPARED_NAME


def _training_folder(shop: Shop) -> Path:
    return shop.folder.models / NAME / TRAINING_NAME


def _keep_only(folder: Path, run: str) -> None:
    """Checkpoints of other trainings go: nobody can go on with them."""
    for other in folder.glob("*") if folder.is_dir() else []:
        if other.name != run:
            shutil.rmtree(other, ignore_errors=True)


def as_of(tables: "Tables", shop: Shop, cutoff: datetime | None) -> "Tables":
    """The tables as they were known at the cutoff; None: as they are."""
    from foresell.features.asof import asof

    return tables if cutoff is None else asof(tables, shop.settings, cutoff)


def text_encoder(shop: Shop, recipe: "Recipe") -> "TextEncoder | None":
    """The recipe's; a slow one remembers what it has encoded."""
    from foresell.behavior.text import load_encoder
    from foresell.behavior.text.cache import CachedEncoder

    if not recipe.text_encoder:
        return None
    encoder = load_encoder(recipe.text_encoder)
    if recipe.text_encoder.partition(":")[0] == "hashed":
        return encoder
    return CachedEncoder(encoder, shop.folder.models / NAME / TEXTS_NAME)


def with_catalog(shop: Shop, model: "Pretrained", tables: "Tables") -> "Pretrained":
    """The model with the products of the catalog that it has never seen, known by their content alone."""
    from foresell.behavior.vocabulary import Vocabulary
    from foresell.features.products import products

    known = products(tables)
    new = known.filter(~known["product_id"].is_in(model.vocabulary.product_ids.implode()))
    if new.is_empty():
        return model
    return model.grown(Vocabulary(new["product_id"]), new, text_encoder(shop, model.recipe))


def load_behavior(shop: Shop, version: str = PRODUCTION) -> "tuple[Pretrained, str]":
    """A version of the shop's behavior model, its files checked, and its label. NotFoundError without one."""
    require_extra()
    from foresell.behavior.pretrained import Pretrained
    from foresell.store.models import load_artifact

    try:
        artifact = load_artifact(shop.folder.models, NAME, version)
    except NotFoundError as error:
        raise NotFoundError(error.what, do="Train one first: foresell fit behavior") from error
    return Pretrained.loaded(artifact.config, artifact.tables, artifact.weights), artifact.label


def _parent(shop: Shop, request: BehaviorRequest) -> "Artifact":
    """The production version, if it knows nothing that the request forbids."""
    from foresell.store.models import load_artifact

    if request.preset is not None or request.text_encoder is not None:
        raise InputError(
            "A warm start goes on with the preset and the text encoder that the model was begun with",
            do="Leave --preset and the text encoder out, or train anew without --warm-start.",
        )
    try:
        artifact = load_artifact(shop.folder.models, NAME, PRODUCTION)
    except NotFoundError as error:
        raise NotFoundError(
            "There is no production version to go on from", do="Train without --warm-start first."
        ) from error
    knows_until = datetime.fromisoformat(artifact.manifest["cutoff"] or artifact.manifest["created_at"])
    if request.cutoff is not None and request.cutoff < knows_until:
        raise InputError(
            "The production version knows what came after that cutoff",
            received=f"{request.cutoff.astimezone(UTC).isoformat()}; it has learned until "
            f"{knows_until.astimezone(UTC).isoformat()}",
            do="Train without --warm-start, or choose a later cutoff.",
        )
    return artifact


def _recipe(shop: Shop, request: BehaviorRequest, parent: "Artifact | None") -> "Recipe":
    from foresell.behavior.presets import changed, preset
    from foresell.behavior.pretrained import Recipe

    if parent is not None:
        begun = Recipe.from_record(parent.config)
        warm = changed(begun.chosen, {"max_epochs": WARM_EPOCHS, "warmup_steps": 0, **request.changes})
        if warm.model != begun.chosen.model:
            raise InputError(
                "A warm start goes on with the model as it is",
                received=", ".join(f"{name}={value}" for name, value in request.changes.items()),
                do="Change what is about training or the loss only, or train anew without --warm-start.",
            )
        return Recipe(begun.preset_name, begun.text_encoder, warm)
    wanted = shop.settings.behavior
    name = wanted.preset if request.preset is None else request.preset
    said = wanted.text_encoder if request.text_encoder is None else request.text_encoder
    return Recipe(name, said, preset(name, request.changes))


def _best_scores(model: "Pretrained") -> dict[str, float]:
    """The held-out scores of the weights that were kept; none where nobody was held out."""
    best = [row for row in model.curve if row["is_best"]]
    if not best:
        return {}
    return {name: value for name, value in best[-1].items() if "@" in name and value == value}
