"""The kinds of damage. Each takes the clean files and a level (share of the rows, shared by its variants)
and gives a Damage; all chance comes from the generator."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from damage import ROW, Damage, Frames, parts, pick, pick_block
from datasets import Dataset, Orders

Kind = Callable[[Dataset, Frames, float, np.random.Generator], Damage]
# The offset of a clock left on another zone, in hours.
ZONE_OFFSETS = (8, -5)


def exact_duplicates(dataset: Dataset, files: Frames, level: float, generator: np.random.Generator) -> Damage:
    """Rows again as they are: right behind themselves, or sent again at the end of the file."""
    damage, file = Damage(files), dataset.orders.file
    rows = files[file]
    for variant, count in parts(round(level * rows.height), ("beside", "sent_again")).items():
        chosen = rows.filter(pl.col(ROW).is_in(pick(generator, rows[ROW], count).implode()))
        after = chosen[ROW] if variant == "beside" else pl.repeat(rows.height, chosen.height, eager=True)
        damage.add(file, chosen, after, variant)
    return damage


def near_duplicates(dataset: Dataset, files: Frames, level: float, generator: np.random.Generator) -> Damage:
    """Orders entered again under a new id (half the level, as a share of the rows); products filed again
    under a new id with a retyped title (half the level, as a share of those sold four times and more)."""
    damage, rows = Damage(files), files[dataset.orders.file]
    _enter_orders_again(damage, dataset.orders, rows, max(1, round(level / 2 * rows.height)), generator)
    _file_products_again(damage, dataset, files, level / 2, generator)
    return damage


def _enter_orders_again(
    damage: Damage, orders: Orders, rows: pl.DataFrame, count: int, generator: np.random.Generator
) -> None:
    """Whole orders of two lines and more; the copy is one to five minutes later, ids go on after the last."""
    numeric = rows.filter(pl.col(orders.order).str.contains(r"^\d+$"))
    sizes = numeric.group_by(orders.order).len().filter(pl.col("len") > 1).sort(orders.order)
    chosen = _until(sizes, count, generator)[orders.order]
    last = int(numeric[orders.order].cast(pl.Int64).max())  # type: ignore[arg-type]
    ids = pl.DataFrame({orders.order: chosen, "new": [str(last + 1 + i) for i in range(len(chosen))]})
    ids = ids.with_columns(later=pl.Series(generator.integers(1, 6, len(chosen))))
    moment = pl.col(orders.time).str.to_datetime(orders.time_format) + pl.duration(minutes="later")
    copies = numeric.join(ids, on=orders.order, maintain_order="left").with_columns(
        pl.col("new").alias(orders.order), moment.dt.strftime(orders.time_format).alias(orders.time)
    )
    after = pl.repeat(rows.height, copies.height, eager=True)
    damage.add(orders.file, copies.select(rows.columns), after, "rekeyed_order")


def _file_products_again(
    damage: Damage, dataset: Dataset, files: Frames, share: float, generator: np.random.Generator
) -> None:
    """The later half of a product's lines moves to a new id, whose title is retyped."""
    orders, catalog = dataset.orders, dataset.catalog
    lines, listed = files[orders.file], files[catalog.file]
    titles = listed.filter(pl.col(catalog.title).str.len_chars() >= 8).group_by(catalog.product).agg(
        pl.col(catalog.title).first()
    )  # fmt: skip
    sizes = lines.group_by(orders.product).len().filter(pl.col("len") >= 4)
    sizes = sizes.join(titles, left_on=orders.product, right_on=catalog.product).sort(orders.product)
    shares = parts(round(share * sizes.height), ("rekeyed_typo", "rekeyed_case", "rekeyed_spacing"))
    for variant, count in shares.items():
        chosen = sizes.filter(
            pl.col(orders.product).is_in(pick(generator, sizes[orders.product], count).implode())
        )
        sizes = sizes.join(chosen, on=orders.product, how="anti", maintain_order="left")
        new_title = [_retyped(title, variant, generator) for title in chosen[catalog.title]]
        renamed = chosen.select(orders.product, title=pl.Series(new_title, dtype=pl.String))
        moved = lines.join(renamed, on=orders.product, maintain_order="left")
        later = moved.filter(
            pl.int_range(pl.len()).over(orders.product) >= pl.len().over(orders.product) // 2
        )
        damage.change(orders.file, orders.product, later[ROW], later[orders.product] + "9", variant)
        if catalog.file == orders.file:
            damage.change(catalog.file, catalog.title, later[ROW], later["title"], variant)
            continue
        copies = listed.join(renamed, left_on=catalog.product, right_on=orders.product, maintain_order="left")
        copies = copies.with_columns(pl.col("title").alias(catalog.title), pl.col(catalog.product) + "9")
        damage.add(catalog.file, copies.select(listed.columns), copies[ROW], variant)


def _until(sizes: pl.DataFrame, count: int, generator: np.random.Generator) -> pl.DataFrame:
    """Entities in random order until their rows are `count`; at least one."""
    shuffled = sizes[generator.permutation(sizes.height).tolist()]
    return shuffled.filter(pl.col("len").cum_sum().shift(1, fill_value=0) < count)


def _retyped(title: str, variant: str, generator: np.random.Generator) -> str:
    if variant == "rekeyed_case":
        return title.swapcase() if title != title.title() else title.upper()
    if variant == "rekeyed_spacing":
        return title.replace(" ", "  ", 1) + " " if " " in title else f" {title[:4]} {title[4:]}"
    letters = [i for i in range(1, len(title) - 1) if title[i].isalpha() and title[i + 1].isalpha()]
    if not letters:
        return title + "e"
    at = letters[int(generator.integers(len(letters)))]
    typos = (
        title[:at] + title[at + 1 :],
        title[:at] + title[at] + title[at:],
        title[:at] + title[at + 1] + title[at] + title[at + 2 :],
        title[:at] + ("x" if title[at] not in "xX" else "z") + title[at + 1 :],
    )
    return typos[int(generator.integers(len(typos)))]


def missing(dataset: Dataset, files: Frames, level: float, generator: np.random.Generator) -> Damage:
    """Values gone, completely at random or for a block of neighboring rows, a column at a time."""
    damage = Damage(files)
    for file, columns in dataset.blanks.items():
        rows = files[file]
        for column in columns:
            filled = rows.filter(pl.col(column).is_not_null())[ROW]
            count = max(1, round(level * rows.height / len(columns) / 2))
            for variant, choose in (("at_random", pick), ("block", pick_block)):
                gone = choose(generator, filled, count)
                damage.change(
                    file, column, gone, pl.repeat(None, len(gone), dtype=pl.String, eager=True), variant
                )
    return damage


def swapped_columns(dataset: Dataset, files: Frames, level: float, generator: np.random.Generator) -> Damage:
    """The values of two columns exchanged, in rows at random or in a block of neighbors."""
    damage = Damage(files)
    for file in {file: None for file, *_ in dataset.swaps}:
        pairs = [(a, b, whole) for f, a, b, whole in dataset.swaps if f == file]
        free = files[file]
        for a, b, is_whole in pairs:
            for variant, choose in (("rows", pick), ("block", pick_block)):
                full = free.filter(pl.col(a).is_not_null() & pl.col(b).is_not_null())
                count = max(1, round(level * files[file].height / len(pairs) / 2))
                swapped = _chosen_rows(
                    full, choose, count, dataset.orders.order if is_whole else None, generator
                )
                name = f"{a}/{b} {variant}"
                damage.change(file, a, swapped[ROW], swapped[b], name)
                damage.change(file, b, swapped[ROW], swapped[a], name)
                free = free.join(swapped.select(ROW), on=ROW, how="anti", maintain_order="left")
    return damage


def _chosen_rows(
    rows: pl.DataFrame,
    choose: Callable[[np.random.Generator, pl.Series, int], pl.Series],
    count: int,
    order: str | None,
    generator: np.random.Generator,
) -> pl.DataFrame:
    if order is None:
        return rows.filter(pl.col(ROW).is_in(choose(generator, rows[ROW], count).implode()))
    orders = rows[order].unique(maintain_order=True)
    wanted = max(1, round(count * len(orders) / max(rows.height, 1)))
    return rows.filter(pl.col(order).is_in(choose(generator, orders, wanted).implode()))


def broken_encodings(dataset: Dataset, files: Frames, level: float, generator: np.random.Generator) -> Damage:
    """Titles (of all rows of a product) read in the wrong encoding, or with characters lost.

    The level is the share of the products whose title is not ASCII."""
    damage, catalog = Damage(files), dataset.catalog
    rows = files[catalog.file]
    foreign = rows.filter(pl.col(catalog.title).str.contains(r"[^\x00-\x7f]"))
    chinese = pl.col(catalog.title).str.contains(r"\p{Han}")
    products = foreign.group_by(catalog.product).agg(chinese.any().alias("is_chinese")).sort(catalog.product)
    shares = parts(
        round(level * products.height), ("utf8_as_latin1", "gbk_as_latin1", "lost_mark", "lost_sign")
    )
    for variant, count in shares.items():
        fit = products.filter("is_chinese") if variant == "gbk_as_latin1" else products
        chosen = pick(generator, fit[catalog.product], count)
        products = products.filter(~pl.col(catalog.product).is_in(chosen.implode()))
        hit = foreign.filter(pl.col(catalog.product).is_in(chosen.implode()))
        texts = [_broken(title, variant) for title in hit[catalog.title]]
        damage.change(catalog.file, catalog.title, hit[ROW], pl.Series(texts, dtype=pl.String), variant)
    return damage


def _broken(title: str, variant: str) -> str:
    if variant == "utf8_as_latin1":
        return title.encode().decode("latin-1")
    if variant == "gbk_as_latin1":
        # GB18030 writes GBK's characters as GBK does, and all others too.
        return title.encode("gb18030").decode("latin-1")
    lost = "?" if variant == "lost_mark" else "\ufffd"
    return "".join(char if char.isascii() else lost for char in title)


def shifted_times(dataset: Dataset, files: Frames, level: float, generator: np.random.Generator) -> Damage:
    """Times of whole orders: blocks off by a zone, an hour or a day, and days exchanged with months."""
    damage, orders = Damage(files), dataset.orders
    rows = files[orders.file]
    ids = rows[orders.order].unique(maintain_order=True)
    variants = (*(f"zone{hours:+d}h" for hours in ZONE_OFFSETS), "hour_block", "day_block", "day_month")
    hours_of = dict(zip(variants, (*ZONE_OFFSETS, 1, 24), strict=False))
    free = ids
    for variant, count in parts(round(level * len(ids)), variants).items():
        if variant == "day_month":
            chosen = pick(generator, _exchangeable(rows, orders, free), count)
        else:
            chosen = pick_block(generator, free, count)
        hit = rows.filter(pl.col(orders.order).is_in(chosen.implode()))
        moved = [_moved(text, orders.time_format, hours_of.get(variant)) for text in hit[orders.time]]
        damage.change(orders.file, orders.time, hit[ROW], pl.Series(moved, dtype=pl.String), variant)
        free = free.filter(~free.is_in(chosen.implode()))
    return damage


def _exchangeable(rows: pl.DataFrame, orders: Orders, ids: pl.Series) -> pl.Series:
    moment = pl.col(orders.time).str.to_datetime(orders.time_format)
    fit = rows.filter((moment.dt.day() <= 12) & (moment.dt.day() != moment.dt.month()))
    return ids.filter(ids.is_in(fit[orders.order].implode()))


def _moved(text: str, time_format: str, hours: int | None) -> str:
    moment = datetime.strptime(text, time_format)  # noqa: DTZ007 (the file's own clock)
    if hours is None:
        moved = moment.replace(day=moment.month, month=moment.day)
    else:
        moved = moment + timedelta(hours=hours)
    return moved.strftime(time_format)


KINDS: dict[str, Kind] = {
    "exact_duplicates": exact_duplicates,
    "near_duplicates": near_duplicates,
    "missing": missing,
    "swapped_columns": swapped_columns,
    "broken_encodings": broken_encodings,
    "shifted_times": shifted_times,
}
# Kinds that need text beyond ASCII.
NEEDS_ACCENTS = {"broken_encodings"}
