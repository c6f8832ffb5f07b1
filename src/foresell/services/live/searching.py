"""Search while a shop is served: the catalog is indexed once and held, and made anew behind those who ask."""

import threading
import time
from typing import TYPE_CHECKING

from foresell.contracts.errors import ConflictError, InputError
from foresell.services.live.mind import Mind
from foresell.services.search import BOOSTED, MOST_K, Searcher, boosted, facts_of, found_record, make_searcher
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HeldSearcher:
    """Safe for many threads. The first one who asks waits for the index; a newer one takes its place when
    `refresh_seconds` are over or the rules have changed, and meanwhile the old one answers."""

    def __init__(self, shop: Shop, mind: Mind, refresh_seconds: float) -> None:
        self._shop, self._mind, self._refresh_seconds = shop, mind, refresh_seconds
        self._making = threading.Lock()
        self._held: Searcher | None = None
        self._rules_version = -1
        self._made_at = float("-inf")

    def search(self, query: str, k: int, customer_id: str | None) -> dict[str, object]:
        """As `services.search.search`, by the index that is held."""
        if not 1 <= k <= MOST_K:
            raise InputError("k is from 1 to 1,000", received=k)
        searcher = self._searcher()
        boost, note = self._boost(searcher, customer_id)
        facts = facts_of(None, searcher.assortment, None)
        if customer_id is not None:
            with self._shop.reading_matched() as tables:
                facts = facts_of(tables, searcher.assortment, tables.person_of(customer_id))
        found = searcher.search(query, k, facts, boost)
        return found_record(searcher, found, query, customer_id, note)

    def _searcher(self) -> Searcher:
        sets = self._shop.folder.state.rule_sets()
        version = sets[-1].version if sets else 0
        held = self._held
        is_fresh = time.monotonic() - self._made_at < self._refresh_seconds and version == self._rules_version
        if held is not None and is_fresh:
            return held
        if held is not None and version == self._rules_version:
            if self._making.acquire(blocking=False):
                threading.Thread(target=self._renew, args=(version,), daemon=True).start()
            return held
        with self._making:
            kept = self._held
            return kept if kept is not None and self._rules_version == version else self._make(version)

    def _renew(self, version: int) -> None:
        try:
            self._make(version)
        finally:
            self._making.release()

    def _make(self, version: int) -> Searcher:
        with self._shop.reading_matched() as tables:
            made = make_searcher(self._shop, tables)
        self._held, self._rules_version, self._made_at = made, version, time.monotonic()
        return made

    def _boost(self, searcher: Searcher, customer_id: str | None) -> "tuple[NDArray[np.float32] | None, str]":
        from foresell.predict.recommend.serving.request import Request

        if customer_id is None:
            return None, ""
        try:
            answering = self._mind.answering
        except ConflictError as error:
            return None, f"Not personal: {error.message}"
        person = self._mind.person(customer_id)
        [answer] = answering.recommender.answer([Request("customer", BOOSTED, person)])
        return boosted(searcher.assortment, [item.product_id for item in answer.items]), ""
