"""Recommendations on every surface, by the production model and the rules in force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.predict import ensure_fitted
from foresell.services.recommender import make_recommender
from foresell.services.shop import Progress, Shop, silent

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.matching.resolve import MatchedTables
    from foresell.predict.recommend.reasons import Language
    from foresell.predict.recommend.serving.pipeline import Absence
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.predict.recommend.serving.request import Answer, Request


def recommend(
    shop: Shop,
    requests: "Sequence[Request]",
    progress: Progress = silent,
    *,
    is_served: bool = False,
    language: "Language | None" = None,
    held: "Recommender | None" = None,
) -> "list[dict[str, object]]":
    """The answers to requests now, as records with names and reasons in a language (None: the shop's).

    A model is fitted first where there is none yet. `is_served`: customers will see them, so they are logged.
    `held`: what answers, where it is held ready (`services.held_recommender`); else it is made for this.
    NotFoundError for a customer that no table knows (a visitor is no customer: leave `customer_id` out).
    """
    from foresell.services.served import log_answers

    ensure_fitted(shop, "recommend", progress)
    with shop.reading_matched() as tables:
        asked = [_as_person(tables, request) for request in requests]
        answering = held or make_recommender(shop, tables, _customers(asked))
        answers = answering.answer(asked)
        names = answering.knowledge.names
    if is_served:
        log_answers(shop, answers)
    return [
        answer_record(shop, answer, names, request, language)
        for answer, request in zip(answers, requests, strict=True)
    ]


def why_not(
    shop: Shop,
    request: "Request",
    product_id: str,
    progress: Progress = silent,
    *,
    language: "Language | None" = None,
    held: "Recommender | None" = None,
) -> dict[str, object]:
    """What keeps a product out of the answer to a request, in words, or where it stands in it."""
    ensure_fitted(shop, "recommend", progress)
    with shop.reading_matched() as tables:
        asked = _as_person(tables, request)
        answering = held or make_recommender(shop, tables, _customers([asked]))
        absence = answering.why_not(asked, product_id)
    return absence_record(shop, request, product_id, absence, language)


def absence_record(
    shop: Shop, request: "Request", product_id: str, absence: "Absence", language: "Language | None" = None
) -> dict[str, object]:
    """Why a product is not in an answer, in a language (None: the shop's)."""
    from foresell.predict.recommend.serving.words import absence_text

    return {
        "product_id": product_id,
        "surface": request.surface,
        "rank": absence.rank,
        "rules": list(absence.rules),
        "place_by_score": absence.place,
        "score": absence.score,
        "score_of_last": absence.last_score,
        "reason": absence_text(absence, request.k, language or shop.settings.store.language),
    }


def best_of_customer(shop: Shop, tables: "MatchedTables", customer_id: str, k: int) -> list[str]:
    """The products recommended to a customer, best first, without reasons or chance: to order other things
    by. NotFoundError as `recommend`."""
    from foresell.predict.recommend.serving.knowledge import NO_CHANCE
    from foresell.predict.recommend.serving.request import Request

    asked = _as_person(tables, Request("customer", k, customer_id))
    answering = make_recommender(shop, tables, _customers([asked]))
    answering.swap(replace(answering.knowledge, exploring=NO_CHANCE))
    answer = answering.answer([asked], with_reasons=False)[0]
    return [item.product_id for item in answer.items]


def _as_person(tables: "MatchedTables", request: "Request") -> "Request":
    """The request of the person that the links make of its customer. NotFoundError for one nobody knows."""
    if request.customer_ids:
        request = replace(request, customer_ids=tuple(tables.person_of(one) for one in request.customer_ids))
    if request.customer_id is None:
        return request
    person = tables.person_of(request.customer_id)
    require_customer(tables, person)
    return replace(request, customer_id=person)


def require_customer(tables: "Tables", customer_id: str) -> None:
    for name in ("customers", "orders", "events"):
        rows = tables.current(name)
        if int(rows.filter(rows.customer_id == customer_id).limit(1).count().execute()):
            return
    raise NotFoundError(
        f"No customer '{customer_id}' is in the store",
        do="Check the id; ids are written as the source had them.",
    )


def _customers(requests: "Iterable[Request]") -> list[str]:
    every = [one for request in requests for one in (request.customer_id, *request.customer_ids) if one]
    return list(dict.fromkeys(every))


def answer_record(
    shop: Shop,
    answer: "Answer",
    names: Mapping[str, str | None],
    request: "Request",
    language: "Language | None" = None,
) -> dict[str, object]:
    """An answer with names and reasons in a language (None: the shop's)."""
    from foresell.predict.recommend.serving.words import note_text, reason_text

    language = language or shop.settings.store.language
    items = [
        {
            "product_id": item.product_id,
            "name": names.get(item.product_id),
            "rank": item.rank,
            "score": item.score,
            "propensity": item.propensity,
            "reason": reason_text(item, names, language),
            **({"due_date": item.due_at.date().isoformat()} if item.due_at else {}),
        }
        for item in answer.items
    ]
    return {
        "surface": request.surface,
        "customer_id": request.customer_id,
        **_experiment(answer),
        "model": answer.model,
        "rules_version": answer.rules_version,
        "notes": [note_text(code, language) for code in answer.notes],
        "items": items,
    }


def _experiment(answer: "Answer") -> dict[str, object]:
    """Of an answer that an experiment decided."""
    if answer.experiment_id is None:
        return {}
    return {"experiment_id": answer.experiment_id, "variant": answer.variant}


def make_requests(
    surface: str | None,
    *,
    k: int,
    customer_id: str | None,
    product_ids: Sequence[str],
    viewed: Sequence[str],
    category: str | None,
    location_id: str | None,
    customers: Path | None,
    exclude: Sequence[str],
    seed: int,
) -> "list[Request]":
    """The requests that plain values stand for: one, or on the surface `email` one a customer of the file.

    Without a surface: `email` for several customers, `customer` or `session` where somebody is known,
    `basket` where products are given, else `trending`.
    """
    from foresell.predict.recommend.serving.request import Action, Request

    members = _ids(customers) if customers else ()
    now = datetime.now(UTC)
    chosen = surface or _surface(customer_id, product_ids, viewed, members)
    is_about_one = chosen in ("similar", "together")
    given = Request(
        surface=chosen,
        k=k,
        customer_id=customer_id,
        session=tuple(Action(one, now) for one in viewed),
        basket=tuple(product_ids) if chosen == "basket" else (),
        product_id=product_ids[0] if is_about_one and product_ids else None,
        product_ids=tuple(product_ids) if chosen == "rerank" else (),
        customer_ids=members if chosen == "segment" else (),
        category=category,
        location_id=location_id,
        exclude=tuple(exclude),
        seed=seed,
    )
    if chosen != "email" or not members:
        return [given]
    return [replace(given, customer_id=one, seed=seed + place) for place, one in enumerate(members)]


def _surface(
    customer_id: str | None, product_ids: Sequence[str], viewed: Sequence[str], members: Sequence[str]
) -> str:
    if members:
        return "email"
    if product_ids:
        return "basket"
    if viewed:
        return "session"
    return "customer" if customer_id else "trending"


def _ids(path: Path) -> tuple[str, ...]:
    """The ids of a file, one a line, each once; blank lines are passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name} cannot be read", received=error, do="Give a text file in UTF-8, an id a line."
        ) from error
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not found:
        raise InputError(f"{path.name} holds no id", do="Write one customer id a line.")
    return found
