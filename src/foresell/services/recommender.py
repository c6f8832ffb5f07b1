"""What answers requests for recommendations: a shop's model, assortment, rules, settings and histories."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from foresell.services.production import load_recommender
from foresell.services.rules import current_rules
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.predict.recommend.fitted import FittedRecommender
    from foresell.predict.recommend.rules.rule import Rule
    from foresell.predict.recommend.serving.knowledge import Exploring, Knowledge
    from foresell.predict.recommend.serving.recommender import Recommender

    # A fitted one, and what it is called.
    Model = tuple[FittedRecommender, str]

# Of `[recommend] repeats = "exclude"`; buying again is not meant by it.
NO_REPEATS = 'repeats = "exclude" in foresell.toml'
# How far back clicks are counted for Thompson sampling, and what is believed of a shop without any.
CLICKS_DAYS = 90
PRIOR_CLICKS, PRIOR_SHOWN = 1, 100


def make_recommender(
    shop: Shop,
    tables: "Tables",
    customer_ids: Iterable[str] | None = None,
    model: "Model | None" = None,
    past: "polars.DataFrame | None" = None,
) -> "Recommender":
    """What answers, from the tables as they are now.

    `customer_ids`: those whose histories are read; None: everybody's, for a server. What surfaces count is
    read while `tables` is open: call `prepare()` before it is closed. `model`: None: the one in production;
    `past`: everybody's interactions, where they were read already.
    """
    from foresell.predict.recommend.serving.histories import Histories
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.services.served import shown_counts

    if past is None:
        past = _past(tables, customer_ids)
    known = make_knowledge(shop, tables, model)
    return Recommender(known, Histories.of(past), partial(shown_counts, tables))


def _past(tables: "Tables", customer_ids: Iterable[str] | None) -> "polars.DataFrame":
    import polars as pl

    from foresell.predict.recommend.interactions import interactions
    from foresell.predict.recommend.model import INTERACTIONS

    if customer_ids is None:
        return interactions(tables)
    each = [interactions(tables, one) for one in customer_ids]
    return pl.concat(each) if each else pl.DataFrame(schema=INTERACTIONS)


def make_knowledge(shop: Shop, tables: "Tables", model: "Model | None" = None) -> "Knowledge":
    """Model (None: the one in production), assortment, rules and settings of this moment."""
    from foresell.predict.recommend.assortment import read_assortment
    from foresell.predict.recommend.interactions import described_products, interactions
    from foresell.predict.recommend.serving.counts import trends
    from foresell.predict.recommend.serving.knowledge import Exploring, Knowledge
    from foresell.predict.recommend.serving.rerank import Reranking

    now, settings = datetime.now(UTC), shop.settings.recommend
    fitted, label = model or load_recommender(shop)
    version, rules = rules_now(shop)
    exploring = Exploring(settings.exploration, settings.epsilon)
    clicks: Mapping[str, tuple[int, int]] = {}
    if settings.exploration == "thompson":
        exploring, clicks = _with_clicks(tables, exploring)
    return Knowledge(
        fitted=fitted,
        model=label,
        assortment=read_assortment(tables, now),
        read_interactions=partial(interactions, tables),
        read_trends=partial(trends, tables, now),
        content=described_products(tables),
        rules=rules,
        rules_version=version,
        reranking=Reranking(settings.diversity, settings.novelty, settings.calibration),
        exploring=exploring,
        ages=ages(tables, now),
        clicks=clicks,
    )


def rules_at(shop: Shop, version: int) -> "tuple[Rule, ...]":
    """As `rules_now`, of any version; 0: without rules of the shop's own. NotFoundError for none."""
    from foresell.predict.recommend.rules.reading import rules_from_text
    from foresell.services.rules import show_rules

    own: tuple[Rule, ...] = ()
    if version:
        where = f"version {version} of the rules"
        own = rules_from_text(show_rules(shop, version).text, where, shop.settings.store.time_zone)
    return (*own, *_no_repeats(shop.settings.recommend.repeats))


def rules_now(shop: Shop) -> "tuple[int, tuple[Rule, ...]]":
    """The version of the rules in force, and they with what the settings forbid."""
    version, rules = current_rules(shop)
    return version, (*rules, *_no_repeats(shop.settings.recommend.repeats))


def _no_repeats(repeats: str) -> "tuple[Rule, ...]":
    from foresell.predict.recommend.rules import SURFACES
    from foresell.predict.recommend.rules.reading import rule_from_record

    if repeats != "exclude":
        return ()
    surfaces = [name for name in SURFACES if name != "buy_again"]
    record = {"name": NO_REPEATS, "kind": "already_bought", "surfaces": surfaces}
    return (rule_from_record(record, "foresell.toml"),)


def ages(tables: "Tables", now: datetime, customer_id: str | None = None) -> Mapping[str, int]:
    """Whole years, of all or of one customer. At most what they have: the birthday is not known, so this
    year's is not counted."""
    customers = tables.current("customers")
    if customer_id is not None:
        customers = customers.filter(customers.customer_id == customer_id)
    known = customers.filter(customers.birth_year.notnull()).select("customer_id", "birth_year").to_polars()
    return {
        customer: now.year - year - 1
        for customer, year in zip(known["customer_id"], known["birth_year"], strict=True)
    }


def _with_clicks(
    tables: "Tables", exploring: "Exploring"
) -> "tuple[Exploring, Mapping[str, tuple[int, int]]]":
    from foresell.services.served import click_counts

    clicks = click_counts(tables, CLICKS_DAYS)
    clicked = PRIOR_CLICKS + sum(times for times, _ in clicks.values())
    shown = PRIOR_SHOWN + sum(times for _, times in clicks.values())
    return replace(exploring, click_rate=clicked / shown), clicks


def recommend_to_all(
    shop: Shop,
    tables: "Tables",
    model: "Model | None" = None,
    past: "polars.DataFrame | None" = None,
) -> "polars.DataFrame":
    """Rows of the `recommendations` table: the answer on the surface `customer` to each who has a history.

    Nothing of it is left to chance: what is written is looked at, not served. `model`, `past`: as
    `make_recommender` takes them.
    """
    import polars as pl

    from foresell.predict.recommend.model import RECOMMENDATIONS
    from foresell.predict.recommend.serving.knowledge import NO_CHANCE
    from foresell.predict.recommend.serving.request import Request
    from foresell.predict.recommend.serving.words import reason_text

    answering = make_recommender(shop, tables, model=model, past=past)
    answering.swap(replace(answering.knowledge, exploring=NO_CHANCE))
    k, language = shop.settings.recommend.k, shop.settings.store.language
    requests = [Request("customer", k, one) for one in answering.customers()]
    names = answering.knowledge.names
    rows = [
        {
            "customer_id": answer.request.customer_id,
            "model": answer.model,
            "rank": item.rank,
            "product_id": item.product_id,
            "score": item.score,
            "reason": reason_text(item, names, language),
            "made_at": answer.made_at,
        }
        for answer in answering.answer(requests)
        for item in answer.items
    ]
    return pl.DataFrame(rows, schema=RECOMMENDATIONS)
