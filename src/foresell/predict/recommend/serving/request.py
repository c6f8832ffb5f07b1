"""What is asked of the recommender, and what it answers."""

from dataclasses import dataclass
from datetime import datetime

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.predict.recommend.interactions import EVENT_WEIGHTS
from foresell.predict.recommend.rules import SURFACES

MOST_PRODUCTS = 1_000
# Surface → the fields of a request without which it cannot be asked.
REQUIRED: dict[str, tuple[str, ...]] = {
    "session": ("session",),
    "basket": ("basket",),
    "similar": ("product_id",),
    "together": ("product_id",),
    "buy_again": ("customer_id",),
    "rerank": ("product_ids",),
    "segment": ("customer_ids",),
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was done with a product just now; `occurred_at` with a time zone."""

    product_id: str
    occurred_at: datetime
    event_name: str = "view_item"

    @property
    def weight(self) -> float:
        """How much it tells of wanting the product; 0: nothing."""
        return EVENT_WEIGHTS.get(self.event_name, 0.0)


@dataclass(frozen=True, slots=True)
class Request:
    """`surface`: one of SURFACES. `session`: what a visitor did in it, oldest first; `basket`: product ids;
    `product_id`: of `similar` and `together`; `product_ids`: the list to rerank; `customer_ids`: a segment;
    `category`, `location_id`: of `trending`. `exclude`: products not to show, such as those that already
    stand on the page. `seed`: chance (exploration) is drawn from it alone.
    """

    surface: str = "customer"
    k: int = 10
    customer_id: str | None = None
    session: tuple[Action, ...] = ()
    basket: tuple[str, ...] = ()
    product_id: str | None = None
    product_ids: tuple[str, ...] = ()
    customer_ids: tuple[str, ...] = ()
    category: str | None = None
    location_id: str | None = None
    exclude: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.surface not in SURFACES or self.surface == "search":
            valid = [name for name in SURFACES if name != "search"]
            raise NotFoundError(f"There is no surface '{self.surface}'", do=did_you_mean(self.surface, valid))
        if not 1 <= self.k <= MOST_PRODUCTS:
            raise InputError("k is out of range", received=self.k, do=f"Give 1 to {MOST_PRODUCTS}.")
        for name in REQUIRED.get(self.surface, ()):
            if not getattr(self, name):
                raise InputError(
                    f"The surface '{self.surface}' needs {name}", do=f"Give the request's {name}."
                )


@dataclass(frozen=True, slots=True)
class Item:
    """A recommended product. `propensity`: the chance of the product to stand at its rank, given what stands
    before it. `because_product_id`: the product that the reason names; `due_at`: of `buy_again`."""

    product_id: str
    rank: int
    score: float
    propensity: float
    reason_code: str | None = None
    because_product_id: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`notes`: codes of NOTES, what the one who asked must know of how it came about. `made_by`: the versions
    of model and rules; `policy`: how chance came in. `experiment_id`, `variant`: where one decided."""

    request: Request
    items: tuple[Item, ...]
    notes: tuple[str, ...]
    model: str
    rules_version: int
    policy: str
    made_at: datetime
    experiment_id: str | None = None
    variant: str | None = None


NOTES: dict[str, dict[str, str]] = {
    "en": {
        "unknown_customer": "Nothing is known of this customer yet: popular products fill up.",
        "unknown_product": "This product is not sold here.",
        "unknown_products_left_out": "Products that are not sold here were passed over.",
        "nothing_known_of_basket": "No product of the basket is known: popular products fill up.",
        "fewer_eligible": "Fewer products are eligible than were asked for.",
        "nothing_eligible": "No product is eligible: the rules, the stock or the request leave none.",
        "empty_catalog": "The shop sells nothing yet: import products, orders or events.",
    },
    "zh": {
        "unknown_customer": "尚无该顾客的记录：以热销商品补足。",
        "unknown_product": "本店没有此商品。",
        "unknown_products_left_out": "已略过本店没有的商品。",
        "nothing_known_of_basket": "购物车中没有已知商品：以热销商品补足。",
        "fewer_eligible": "可推荐的商品少于所要求的数量。",
        "nothing_eligible": "没有可推荐的商品：规则、库存或请求排除了全部商品。",
        "empty_catalog": "店铺还没有商品：请导入商品、订单或事件。",
    },
}
