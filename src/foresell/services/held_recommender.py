"""A recommender that is read once and asked often: ready in seconds, answering in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from foresell.contracts.tables import TABLES
from foresell.services.production import PRODUCTION
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.recommender import Recommender

SHOWN_DAYS = 366


@dataclass(frozen=True)
class _Read:
    """What a recommender was read from."""

    tables: tuple[tuple[str, int], ...]
    production: str | None


class HeldRecommender:
    """The recommender of one shop, read again when a table it reads, or the model in production, has changed.

    Rules in force are taken over at each question, which is quick. Safe for many threads: they wait for one
    reading. `moving`: tables whose change alone is no reason to read again, until `refresh` is called.
    """

    def __init__(self, shop: Shop, moving: Sequence[str] = ()) -> None:
        self.shop = shop
        self.moving = frozenset(moving)
        self._lock = Lock()
        self._held: tuple[_Read, Recommender] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether a question is answered at once."""
        return self._held is not None and self._held[0] == self._now()

    def get(self) -> "Recommender":
        """NotFoundError where no recommender is in production."""
        with self._lock:
            now = self._now()
            if self._held is None or self._held[0] != now:
                self._held = None
                self._held = (now, _read(self.shop))
            return _with_rules(self.shop, self._held[1])

    def refresh(self) -> None:
        """Read it again; until that is done, questions are answered by what was read before."""
        now = self._now()
        read = _read(self.shop)
        with self._lock:
            self._held = (now, read)

    def _now(self) -> _Read:
        from foresell.store.model_versions import pointers

        versions = self.shop.folder.tables.versions()
        return _Read(
            tuple(
                sorted(read for read in versions.items() if read[0] in TABLES and read[0] not in self.moving)
            ),
            pointers(self.shop.folder.models, "recommend").get(PRODUCTION),
        )


def _read(shop: Shop) -> "Recommender":
    from foresell.predict.recommend.serving.recommender import Recommender
    from foresell.services.recommender import make_recommender
    from foresell.services.served import ShownBefore

    with shop.reading_matched() as tables:
        made = make_recommender(shop, tables)
        recommender = Recommender(made.knowledge, made.histories, ShownBefore(tables, SHOWN_DAYS))
        recommender.prepare()
    return recommender


def _with_rules(shop: Shop, recommender: "Recommender") -> "Recommender":
    from foresell.services.recommender import rules_now

    known = recommender.knowledge
    version, rules = rules_now(shop)
    if version != known.rules_version:
        recommender.swap(known.with_rules(rules, version))
    return recommender
