"""What the model thinks for some customers, over what is sold now, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresell.predict.recommend.opinions import Opinions
from foresell.predict.recommend.rank import Floats, Ints
from foresell.predict.recommend.serving.knowledge import Knowledge
from foresell.predict.recommend.serving.on_sale import on_sale
from foresell.predict.recommend.serving.people import Past, People, told
from foresell.predict.recommend.serving.request import Action


@dataclass(frozen=True, eq=False)
class Minds:
    """`opinions`: over the assortment; `of_model`: over the model's catalog. `is_heard_of`: whether anything
    that the customer did is known to model or shop; `has_acted`: whether they did anything."""

    known: Knowledge
    profiles: Any
    of_model: Opinions
    opinions: Opinions
    is_heard_of: NDArray[np.bool_]
    has_acted: NDArray[np.bool_]

    def why(self, of: Ints, products: Ints, best: Sequence[Ints]) -> "tuple[Sequence[str], Ints]":
        """The model's own reasons, where it has an opinion; a product that it does not know is like the one
        that speaks for it. `of`: rows, ascending."""
        codes, because = ["popular"] * len(products), np.full(len(products), -1)
        has_opinion = self.is_heard_of[of] & self._has_opinion(of, products)
        places, sold = self.known.place_P[products], self.known.sold
        asked = np.flatnonzero((places >= 0) & has_opinion)
        if len(asked):
            in_model = [self.known.place_P[some] for some in best]
            given, of_model = self.known.fitted.explain_some(
                self.profiles, self.of_model, of[asked], places[asked], [some[some >= 0] for some in in_model]
            )
            because[asked] = np.where(of_model >= 0, sold.on_sale_M[of_model], -1)
            for place, code in zip(asked, given, strict=True):
                codes[place] = str(code)
        for place in np.flatnonzero((places < 0) & has_opinion):
            likest = self.known.unknown_by_known[[int(products[place])]].tocoo()
            codes[place], because[place] = "similar_to", int(likest.col[int(likest.data.argmax())])
        return codes, because

    def _has_opinion(self, of: Ints, products: Ints) -> NDArray[np.bool_]:
        starts = np.searchsorted(of, np.arange(len(self.is_heard_of) + 1))
        spans = [slice(int(first), int(last)) for first, last in pairwise(starts)]
        each = [self.opinions.logs_at(row, products[span]) for row, span in enumerate(spans)]
        return np.asarray(np.concatenate(each) > -np.inf)


def minds_of(
    known: Knowledge,
    people: People,
    customer_ids: Sequence[str | None],
    then: Sequence[Iterable[Action]],
) -> Minds:
    """`then`: what each of the customers (None: nobody known) did beside what was observed."""
    versions = [people.num_observed(one) for one in customer_ids]
    pasts = [people.past(one, after) for one, after in zip(customer_ids, then, strict=True)]
    profiles = known.fitted.read(told(pasts))
    keys = [
        (one, version) if one is not None and not after else None
        for one, version, after in zip(customer_ids, versions, then, strict=True)
    ]
    of_model = known.fitted.opinions(profiles, _vectors(known, people, keys, pasts, profiles))
    return Minds(
        known,
        profiles,
        of_model,
        on_sale(of_model, known.sold),
        np.array([one.is_heard_of for one in pasts], dtype=np.bool_),
        np.array([len(one.at) > 0 for one in pasts], dtype=np.bool_),
    )


def _vectors(
    known: Knowledge,
    people: People,
    keys: Sequence[tuple[str, int] | None],
    pasts: Sequence[Past],
    profiles: Any,
) -> Floats | None:
    """The customers' vectors, those that were kept and new ones, which are kept; None: the model has none.
    `keys`: whose, and after how many observed actions; None: not to be kept."""
    if not known.fitted.has_vectors:
        return None
    kept = [people.kept_vector(*key) if key else None for key in keys]
    missing = [row for row, vector in enumerate(kept) if vector is None]
    if missing:
        anew = profiles
        if len(missing) < len(pasts):
            anew = known.fitted.read(told([pasts[row] for row in missing]))
        found = known.fitted.vectors(anew)
        for row, vector in zip(missing, found, strict=True):
            kept[row] = vector
            if (key := keys[row]) is not None:
                people.keep_vector(*key, vector.copy())
    return np.stack([vector for vector in kept if vector is not None])
