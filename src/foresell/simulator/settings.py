"""What a simulated shop is like: a small TOML, every key explained, read into a frozen tree.

The defaults come from public figures, named beside them in docs/simulator.md.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from foresell.contracts.section import Section
from foresell.contracts.settings import Currency, Rate, TimeZone, make_tree, read_tree

DirtKind = Literal[
    "duplicates",
    "missing",
    "late_rows",
    "broken_encodings",
    "swapped_columns",
    "unknown_ids",
    "unreadable",
]


class WorldSection(Section):
    model_config = ConfigDict(allow_inf_nan=False)


class ShopSection(WorldSection):
    name: str = Field("Simulated shop", description="What the reports call this shop.")
    start_date: date = Field(date(2025, 1, 6), description="The first day, local to the shop.")
    days: int = Field(180, ge=1, le=3650, description="How many days.")
    customers: int = Field(20_000, ge=1, description="People who may buy; a part joins on the way.")
    time_zone: TimeZone = Field("America/New_York", description="IANA name.")
    currency: Currency = Field("USD", description="ISO 4217.")
    country: Literal["US", "CN"] = Field("US", description="Whose holidays the shop keeps: US or CN.")


class CatalogSection(WorldSection):
    products: int = Field(1_500, ge=1, description="Products over the whole time, later launches included.")
    brands: int = Field(120, ge=1, description="Brands.")
    popularity_spread: float = Field(
        0.75, ge=0, description="Standard deviation of the logarithm of a product's appeal."
    )
    price_spread: float = Field(
        1.0, ge=0, description="How far list prices lie apart: 1 as categories do; 0: all cost the same."
    )
    margin_rate: Rate = Field(0.42, description="Share of the list price that is not cost, on average.")
    margin_spread: float = Field(0.08, ge=0, description="Standard deviation of it between products.")
    launch_rate: Rate = Field(0.2, description="Share of products launched after the first day.")
    variant_rate: Rate = Field(0.15, description="Share of products that are variants of another.")


class PeopleSection(WorldSection):
    visits_per_month: float = Field(2.6, gt=0, description="Median visits of a person.")
    visit_spread: float = Field(0.6, ge=0, description="Standard deviation of the logarithm of visits.")
    known_rate: Rate = Field(0.6, description="Share of people who knew the shop before the first day.")
    habit_rate: Rate = Field(
        0.5, description="Share of people who buy some things again and again; the others look around."
    )
    taste_strength: float = Field(
        0.8, ge=0, description="How much taste moves a choice; 0: everybody wants the same."
    )
    taste_drift: float = Field(0.02, ge=0, description="How far a taste wanders in a month.")
    price_elasticity: float = Field(1.8, ge=0, description="Mean of −d log(purchases) / d log(price).")
    elasticity_spread: float = Field(0.4, ge=0, description="Standard deviation of it between people.")
    coupon_uplift: float = Field(1.25, ge=1, description="How much likelier a coupon makes a checkout.")
    churn_per_month: Rate = Field(0.03, description="Chance that a content customer leaves for good.")
    churn_after_trouble: float = Field(
        0.7, ge=0, description="Logarithm by which one fresh bad experience raises the chance to leave."
    )
    marketing_rate: Rate = Field(0.55, description="Share who accept marketing.")


class JourneySection(WorldSection):
    list_length: int = Field(12, ge=1, le=60, description="Products on a page.")
    position_power: float = Field(
        0.7, ge=0, description="A place k of a list is looked at with chance k to the power of minus this."
    )
    is_shuffled: bool = Field(False, description="Lists in random order instead of by popularity.")
    bounce_rate: Rate = Field(0.42, description="Chance that a visit ends with its first page.")
    click_rate: Rate = Field(0.053, description="Chance that a product of middling appeal is clicked.")
    cart_rate: Rate = Field(0.07, description="Chance that a viewed product goes into the cart.")
    more_pages_rate: Rate = Field(0.5, description="Chance of another page after each, in a middling visit.")
    interest_spread: float = Field(
        1.0, ge=0, description="Standard deviation, between visits, of the log odds of another page."
    )
    most_pages: int = Field(60, ge=1, le=99, description="Pages of a session at most.")
    restock_rate: Rate = Field(
        0.11, description="Chance that a visit is to buy again, of a customer who has habits."
    )
    basket_mean: float = Field(13.0, gt=0, description="Mean products bought again on such a visit.")
    basket_spread: float = Field(1.2, ge=0, description="Standard deviation of the logarithm of that number.")
    second_unit_rate: float = Field(
        0.2, ge=0, lt=1, description="Chance of another unit of a product, and of another after that."
    )
    complement_rate: Rate = Field(
        0.05, description="Chance that what goes with a product is put into the cart beside it."
    )
    checkout_rate: Rate = Field(0.07, description="Chance that a cart goes to the checkout.")
    rebuy_checkout_rate: Rate = Field(0.8, description="The same on a visit to buy again.")
    free_shipping_from: float = Field(35.0, ge=0, description="Order value from which shipping is free.")
    shipping_fee: float = Field(4.9, ge=0, description="Paid below it.")
    login_rate: Rate = Field(0.35, description="Chance that a customer logs in before buying.")
    exposure_rate: Rate = Field(0.1, description="Share of visits whose recommendations are logged.")


class DemandSection(WorldSection):
    weekday_weights: tuple[float, ...] = Field(
        (1.04, 0.9, 0.93, 0.92, 0.95, 1.12, 1.14),
        min_length=7,
        max_length=7,
        description="Visits by weekday, from Monday.",
    )
    year_amplitude: float = Field(0.15, ge=0, lt=1, description="Height of the yearly season.")
    trend_per_year: float = Field(0.1, ge=-1, description="Growth of visits in a year.")
    holiday_lift: float = Field(0.3, ge=-1, description="More visits in the week before a holiday.")
    rain_lift: float = Field(0.08, ge=-1, description="More visits on a rainy day.")
    promotion_rate: Rate = Field(0.12, description="Share of products on promotion in a week.")
    promotion_discount: Rate = Field(0.2, description="Discount of a promotion.")
    return_rate: Rate = Field(0.04, description="Chance that a bought line comes back.")


class StockSection(WorldSection):
    is_limited: bool = Field(True, description="false: everything is always there.")
    first_cover_days: float = Field(21.0, ge=0, description="Days of demand in stock on the first day.")
    lead_time_days: float = Field(7.0, ge=0, description="Mean time from order to delivery.")
    late_rate: Rate = Field(0.15, description="Share of deliveries that come twice as late.")
    holding_rate: Rate = Field(0.25, description="Cost of a year in stock, as a share of a product's cost.")


class CostsSection(WorldSection):
    parcel_cost: float = Field(4.0, ge=0, description="What sending an order costs the shop.")
    payment_fee_rate: Rate = Field(0.019, description="Share of a payment that its provider keeps.")


class DirtSection(WorldSection):
    level: int = Field(
        0, ge=0, le=3, description="How much of the data is spoiled: 0 nothing, 1 little, 2 some, 3 a lot."
    )
    kinds: tuple[DirtKind, ...] = Field(
        (),
        description="Only these kinds: duplicates, missing, late_rows, broken_encodings, swapped_columns, "
        "unknown_ids, unreadable; none named: all.",
    )


class WorldSettings(WorldSection):
    """`elasticities` of people multiply every price decision; see docs/simulator.md for the equations."""

    shop: ShopSection = ShopSection()
    catalog: CatalogSection = CatalogSection()
    people: PeopleSection = PeopleSection()
    journeys: JourneySection = JourneySection()
    demand: DemandSection = DemandSection()
    stock: StockSection = StockSection()
    costs: CostsSection = CostsSection()
    dirt: DirtSection = DirtSection()


def read_world(path: Path) -> WorldSettings:
    """The settings in a TOML file; InputError names the file, the key and what would be right."""
    return read_tree(WorldSettings, path)


def change_world(
    settings: WorldSettings, *, customers: int | None = None, days: int | None = None
) -> WorldSettings:
    """The settings with another number of people or days; None leaves it."""
    tree = settings.model_dump()
    given = {"customers": customers, "days": days}
    tree["shop"].update({name: value for name, value in given.items() if value is not None})
    return make_tree(WorldSettings, tree, where="the command line")
