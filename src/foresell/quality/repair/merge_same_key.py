"""merge_same_key: products or customers whose keys differ in case, spaces or leading zeros alone are one."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.duckdb_functions import call
from foresell.quality.repair.fitness import refuse_argument
from foresell.quality.repair.merging import fullness, merge, references, require_records, weights
from foresell.quality.repair.patch import Patch
from foresell.quality.repair.rule import Rule

# Where both records know one of these and they differ, they are two things.
TELLING = {
    "products": ("brand", "category", "currency"),
    "customers": ("birth_year", "gender", "country"),
}
# Titles of the same product are at least so alike (Jaro-Winkler, 0 to 1).
LEAST_ALIKE = 0.85


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_records(rule)
    if rule.column not in (None, *rule.contract.key):
        raise rule.error("is about keys", do=f"Write: {rule.table}: merge_same_key.")


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Keys are compared in lower case, without spaces and without leading zeros.

    Records are merged into the one that most sold rows name, each unless it contradicts that one: another
    brand, category or currency, or an unlike title; another birth year, gender or country. A key that
    stands in other tables alone is taken to the record's.
    """
    import ibis

    records = _records(tables, rule)
    best = ibis.window(
        group_by="_same",
        order_by=[records._is_listed.desc(), records._weight.desc(), records._full.desc(), "_key"],
    )
    ranked = records.mutate(_rank=ibis.row_number().over(best))
    kept = ranked.filter(ranked._rank == 0, ranked._is_listed == 1)
    kept = kept.rename({f"k{name}" if name.startswith("_") else f"k_{name}": name for name in kept.columns})
    gone = ranked.filter(ranked._rank > 0)
    pairs = gone.inner_join(kept, gone._same == kept.k_same)
    for name in TELLING[rule.table]:
        agrees = (pairs[name] == pairs[f"k_{name}"]).fill_null(True)
        pairs = pairs.filter(agrees)
    if rule.table == "products":
        pairs = pairs.filter(_titles_agree(pairs))
    why = (
        "the same key but for case, spaces and leading zeros: '" + pairs._key + "' and '" + pairs.k_key + "'"
    )
    return merge(tables, rule, pairs.select(_gone=pairs._key, _kept=pairs.k_key, _why=why))


def normalized(key: Any) -> Any:
    """A key without what people and programs write differently; null where nothing is left."""
    return key.lower().re_replace(r"\s+", "").re_replace("^0+", "").nullif("")


def _records(tables: Tables, rule: Rule) -> Any:
    """Every key there is, in the table or in those that name it, with its weight and what tells it apart."""
    import ibis

    table = rule.contract
    [key] = table.key
    told = (*TELLING[rule.table], *(("title",) if rule.table == "products" else ()))
    rows = tables.current(rule.table)
    keys = rows.select(
        _key=rows[key],
        _is_listed=ibis.literal(1),
        _full=fullness(rows, table),
        **{name: rows[name] for name in told},
    )
    for other, column in references(rule.table):
        if not tables.has_rows(other.name):
            continue
        naming = tables.current(other.name)
        loose = naming.filter(naming[column].notnull()).select(_key=naming[column]).distinct()
        nothing = {name: ibis.null(rows[name].type()) for name in told}
        loose = loose.anti_join(keys, "_key")
        loose = loose.mutate(_is_listed=ibis.literal(0), _full=ibis.literal(0).cast("int64"), **nothing)
        keys = keys.union(loose.select(keys.columns))
    weighed = keys.left_join(weights(tables, rule.table), "_key")
    weighed = weighed.select(
        *[weighed[name] for name in keys.columns],
        _weight=weighed._weight.fill_null(0),
        _same=normalized(weighed._key),
    )
    return weighed.filter(weighed._same.notnull())


def _titles_agree(pairs: Any) -> Any:
    titles = [pairs.title.lower(), pairs.k_title.lower()]
    alike = call("jaro_winkler_similarity", titles, "float64") >= LEAST_ALIKE
    return alike.fill_null(True)
