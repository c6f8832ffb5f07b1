"""One customer on a page: who, rhythm, tastes, worth, risks, and who is alike."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.services.customers.segment import end_of_history, read_customers
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.profiles.backdrop import Backdrop
    from foresell.predict.customers.profiles.nearest import Neighborhood
    from foresell.predict.customers.profiles.profile import Profile


@dataclass(frozen=True)
class Surroundings:
    """What a customer is seen against, the same for all of them: what everybody does, and who is alike.
    `end`: the first moment after everything customers did."""

    end: datetime
    backdrop: "Backdrop"
    neighborhood: "Neighborhood"


def surroundings(shop: Shop) -> Surroundings:
    """As of now; the slow part of a profile. InputError where nobody has ordered."""
    from foresell.predict.customers.profiles.backdrop import make_backdrop

    with shop.reading_matched() as tables:
        end = end_of_history(tables)
        backdrop = make_backdrop(tables, shop.settings, end)
        return Surroundings(end, backdrop, _neighborhood(shop, tables, end, is_now=True))


def profile_customer(
    shop: Shop, customer_id: str, *, as_of: datetime | None = None, around: Surroundings | None = None
) -> "Profile":
    """What is known of a customer, as of a moment (None: now, with the scores and vectors there are).

    `around`: of now, where they are kept; else they are made for this.
    Errors: NotFoundError for a customer of whom nothing was known, InputError for a moment without data.
    """
    from foresell.predict.customers.profiles.page import profile

    with shop.reading_matched() as tables:
        is_now = as_of is None
        kept = around if is_now else None
        end = kept.end if kept else end_of_history(tables)
        if as_of is not None and as_of > end + timedelta(days=1):
            raise InputError(
                "There is no data of that moment",
                received=as_of.isoformat(),
                do=f"Choose until {end:%Y-%m-%d}.",
            )
        scores = tables.current("scores").to_polars() if is_now and tables.has_rows("scores") else None
        tags = tables.current("profiles").to_polars() if is_now and tables.has_rows("profiles") else None
        return profile(
            tables,
            shop.settings,
            as_of or end,
            customer_id,
            scores=scores,
            backdrop=kept.backdrop if kept else None,
            neighborhood=kept.neighborhood if kept else _neighborhood(shop, tables, as_of or end, is_now),
            tags=tags,
        )


def tag_customers(shop: Shop, progress: Progress = silent) -> int:
    """Write the tags of all customers as of now into the table `profiles`; the number of tags.

    Raises InputError where nobody has ordered.
    """
    from foresell.predict.customers.profiles.tagging import tags

    with writing(shop, "profile", progress), shop.reading_matched() as tables:
        progress("tags of all customers", 0, None)
        rows = tags(tables, shop.settings, end_of_history(tables), made_at=datetime.now(UTC))
        write_results(shop, "profiles", rows, replaces={})
        return rows.height


def _neighborhood(shop: Shop, tables: "Tables", cutoff: datetime, is_now: bool) -> "Neighborhood":
    from foresell.features.choosing import customer_spec
    from foresell.predict.customers.profiles.nearest import Neighborhood

    has_vectors = is_now and tables.has_rows("embeddings")
    spec = customer_spec(tables, shop.settings, cutoff)
    customers = read_customers(shop, tables, "behavior" if has_vectors else "features", cutoff, spec)
    return Neighborhood.of(customers)


def told_profile(found: "Profile", language: str) -> list[str]:
    """What a profile says, in sentences: English, or Chinese for "zh"."""
    from foresell.predict.customers.profiles.saying import sentences

    return sentences(found, "zh" if language == "zh" else "en")
