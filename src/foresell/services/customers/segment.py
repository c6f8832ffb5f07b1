"""Segment customers: fit or assign, say what each segment is and means, and who moved."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.customers.segmented import Assigner, Segmented, told_segments
from foresell.services.production import in_production, put_to_work
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.features.spec import CustomerSpec
    from foresell.predict.customers.segments.drift import Migration
    from foresell.predict.customers.segments.segmentation import Customers, FittedSegmentation

KIND = "segments"
RULES = ".toml"
# What a shop gets that names no segmentation: both take seconds, and the first needs no features.
DEFAULTS = ("rfm", "features")
SEEDS = (1, 2, 3)


def segment_customers(
    shop: Shop,
    name: str,
    *,
    since: datetime | None = None,
    is_refitted: bool = True,
    progress: Progress = silent,
) -> Segmented:
    """Put every customer into a segment and write the table `segments`.

    `name`: of SEGMENTATIONS, or a TOML file of rules. A segmentation is fitted again, and keeps the names of
    segments that are found again; `is_refitted` False: the version in production assigns. `since`: also say
    who moved where since then, by the same segments.

    Errors: NotFoundError for an unknown segmentation, for one that was never fitted, and for a feature that a
    rule names wrongly; InputError for too few customers, a moment without data, and vectors that are missing.
    """
    with writing(shop, f"segment {name}", progress), shop.reading_matched() as tables:
        cutoff = end_of_history(tables)
        if since is not None and since >= cutoff:
            raise InputError(
                "Nothing is known since then",
                received=since.isoformat(),
                do=f"Choose a day before {cutoff:%Y-%m-%d}.",
            )
        progress(f"{name}: features", 0, None)
        assigner, customers = _assigner(shop, tables, name, cutoff, is_refitted, progress)
        assigned = _assigned(shop, tables, assigner, customers, cutoff)
        _write(shop, assigner, assigned, cutoff)
        moved = None if since is None else _moved(shop, tables, assigner, assigned, since)
        return told_segments(shop, tables, assigner, assigned, cutoff, moved)


def end_of_history(tables: "Tables") -> datetime:
    """The first moment after everything customers did, and no later than now: a mistyped year is to come."""
    from datetime import timedelta

    import ibis

    now = ibis.literal(datetime.now(UTC))
    ends: list[datetime | None] = []
    for name, column in (("orders", "created_at"), ("events", "occurred_at")):
        rows = tables.current(name)
        ends.append(
            rows.agg(last=rows[column].max(where=rows[column] <= now)).to_pyarrow().to_pylist()[0]["last"]
        )
    known = [end for end in ends if end is not None]
    if not known:
        raise InputError("There is nobody to segment", do="Import orders or events first.")
    return max(known).astimezone(UTC) + timedelta(microseconds=1)


def _assigner(
    shop: Shop, tables: "Tables", name: str, cutoff: datetime, is_refitted: bool, progress: Progress
) -> "tuple[Assigner, Customers]":
    if name.endswith(RULES):
        return _by_rules(shop, tables, Path(name), cutoff)
    from foresell.predict.customers.segments import load_segmentation
    from foresell.predict.customers.segments.drift import stability_over_seeds

    segmentation = load_segmentation(name)
    previous = segmentation_at_work(shop, name)
    if not is_refitted:
        if previous is None:
            raise NotFoundError(f"'{name}' was never fitted", do=f"Run: foresell segment {name}")
        spec, fitted, label = previous
        return Assigner(name, label, spec, fitted), read_customers(shop, tables, name, cutoff, spec)
    spec = _spec(shop, tables, name, cutoff)
    customers = read_customers(shop, tables, name, cutoff, spec)
    progress(f"{name}: {len(customers):,} customers", 0, None)
    config = segmentation.config()
    fitted = segmentation.fit(customers, config, previous=previous[1] if previous else None)
    stability = (
        stability_over_seeds(segmentation, customers, config, SEEDS) if hasattr(config, "seed") else None
    )
    label = _save(shop, name, fitted, spec, cutoff)
    return Assigner(name, label, spec, fitted, stability=stability), customers


def _spec(shop: Shop, tables: "Tables", name: str, cutoff: datetime) -> "CustomerSpec | None":
    from foresell.features.choosing import customer_spec

    return None if name == "rfm" else customer_spec(tables, shop.settings, cutoff)


def read_customers(
    shop: Shop, tables: "Tables", name: str, cutoff: datetime, spec: "CustomerSpec | None"
) -> "Customers":
    """Those whom the segmentation looks at, as of the cutoff; `behavior`: with vectors.

    Raises InputError where vectors are asked for and nobody has one, or nobody had ordered (rfm).
    """
    import numpy as np

    from foresell.features.customer import customer_features, described
    from foresell.predict.customers.segments.rfm import rfm_customers
    from foresell.predict.customers.segments.segmentation import Customers

    if spec is None:
        return rfm_customers(tables, shop.settings, cutoff)
    rows = customer_features(tables, shop.settings, cutoff, spec).to_polars().sort("customer_id")
    ids = rows["customer_id"]
    vectors = _vectors(tables, ids) if name == "behavior" else np.empty((0, 0), np.float32)
    return Customers(ids, rows.drop("customer_id"), described(spec), vectors)


def _vectors(tables: "Tables", ids: "polars.Series") -> Any:
    """(n, D) of now, zeros where a customer has none. Raises InputError where nobody has one."""
    import numpy as np

    rows = tables.current("embeddings")
    rows = rows.filter(rows.entity_type == "customer", rows.cutoff_at.isnull())
    known = rows.select(customer_id=rows.entity_id, vector=rows.vector).to_polars()
    if known.is_empty():
        raise InputError(
            "Customers have no vectors yet", do="Run: foresell fit behavior, then: foresell embed"
        )
    found = ids.to_frame("customer_id").join(known, on="customer_id", how="left", maintain_order="left")
    width = len(known["vector"][0])
    nothing = np.zeros(width, np.float32)
    return np.stack([nothing if one is None else np.asarray(one, np.float32) for one in found["vector"]])


def _by_rules(shop: Shop, tables: "Tables", path: Path, cutoff: datetime) -> "tuple[Assigner, Customers]":
    from foresell.features.customer import described
    from foresell.predict.customers.segments.rules import read_rules

    spec = _spec(shop, tables, "features", cutoff)
    assert spec is not None  # noqa: S101
    rules = read_rules(path, described(spec))
    return Assigner(rules.name, None, spec, rules=rules), read_customers(
        shop, tables, "features", cutoff, spec
    )


def _assigned(
    shop: Shop, tables: "Tables", assigner: Assigner, customers: "Customers", cutoff: datetime
) -> "polars.DataFrame":
    """customer_id, segment, confidence."""
    from foresell.features.asof import asof
    from foresell.predict.customers.segments.rules import with_dimensions

    if assigner.fitted is not None:
        found = assigner.fitted.assign(customers)
    else:
        past = asof(tables, shop.settings, cutoff)
        rows = with_dimensions(past, shop.settings, assigner.rules, customers.ids, customers.features)
        found = assigner.rules.assign(rows)
    return found.with_columns(customer_id=customers.ids)


def _write(shop: Shop, assigner: Assigner, assigned: "polars.DataFrame", cutoff: datetime) -> None:
    import polars as pl

    from foresell.predict.customers.segments.segmentation import SEGMENTS

    rows = assigned.with_columns(
        segmentation=pl.lit(assigner.name),
        model=pl.lit(assigner.label, pl.String),
        cutoff_at=pl.lit(cutoff, pl.Datetime("us", "UTC")),
        made_at=pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")),
    ).select(SEGMENTS.names())
    write_results(shop, "segments", rows, replaces={"segmentation": assigner.name})


def _moved(
    shop: Shop, tables: "Tables", assigner: Assigner, now: "polars.DataFrame", since: datetime
) -> "Migration":
    from foresell.predict.customers.segments.drift import migration

    if assigner.name == "behavior":
        raise InputError(
            "Vectors are kept of now alone, so nobody's former segment by them is known",
            do="Ask --since of rfm, features or rules.",
        )
    then = read_customers(shop, tables, assigner.name, since, assigner.spec)
    return migration(_assigned(shop, tables, assigner, then, since), now)


def _save(
    shop: Shop, name: str, fitted: "FittedSegmentation", spec: "CustomerSpec | None", cutoff: datetime
) -> str:
    from foresell.store.models import Origin

    config = {
        "name": name,
        "config": fitted.to_config(),
        "spec": None if spec is None else spec.as_record(),
    }
    return put_to_work(
        shop,
        f"{KIND}_{name}",
        KIND,
        config,
        fitted.to_tables(),
        origin=Origin(cutoff=cutoff, seed=0),
        weights=fitted.to_weights(),
        card="Segments of customers: their names, sentences and sizes are in tables/segments.parquet.",
    )


def segmentation_at_work(
    shop: Shop, name: str
) -> "tuple[CustomerSpec | None, FittedSegmentation, str] | None":
    """The version in production; None where there is none."""
    from foresell.features.spec import spec_of
    from foresell.predict.customers.segments import load_segmentation

    found = in_production(shop, f"{KIND}_{name}")
    if found is None:
        return None
    spec = found.config["spec"]
    fitted = load_segmentation(name).load(found.config["config"], found.tables, found.weights)
    return None if spec is None else spec_of(spec), fitted, found.label
