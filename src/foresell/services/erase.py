"""Erase customers: the one thing that rewrites the past.

First tombstones are written; from then on the erasure will be completed, whatever happens. Then raw
rows are blanked, the tables derived again without them (with new Delta logs, so that no old version
or statistic is left), and the state and reports cleaned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError
from foresell.contracts.results import LOGS
from foresell.contracts.tables import TABLES, Table
from foresell.privacy.erasure import Tombstone, tombstone
from foresell.privacy.tokens import prepare_tokens
from foresell.services.identifying import TOKEN_KIND, Expressions, entity_expressions, run_expressions
from foresell.services.live.moving import move_segments
from foresell.services.merged import same_customers
from foresell.services.purge import PENDING, finish_erasure, trained_models
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing
from foresell.sources.mapping import COMPARED_KINDS, CUSTOMER_KINDS, mapping_from_json
from foresell.store.crash_points import reached
from foresell.store.engine import DuckDBViews, EngineTables, literal, quoted
from foresell.store.raw import raw_rows_sql

if TYPE_CHECKING:
    import duckdb

SHARED_KINDS = (*COMPARED_KINDS, "ip")
# What leads from a customer to rows that do not name them, and from an order to rows that do not name it.
LINKED_KINDS = ("order_id", "anonymous_id", "session_id", "cart_id", TOKEN_KIND)
LINE_KINDS = ("order_line_id",)


@dataclass(frozen=True)
class Erased:
    """`num_identifiers`: how many identifiers lead to these customers alone, their ids included."""

    num_customers: int
    num_identifiers: int
    models_to_retrain: tuple[str, ...]

    def as_record(self) -> dict[str, object]:
        return {
            "customers": self.num_customers,
            "identifiers": self.num_identifiers,
            "models_to_retrain": list(self.models_to_retrain),
        }


@dataclass(frozen=True, slots=True)
class _Relation:
    """Rows that name people: a table, or a run of the raw zone. `rows`: a SELECT.

    `is_orders`: it says whose an order is; other rows may name an order of somebody else.
    """

    rows: str
    identifiers: Expressions
    is_orders: bool

    def pairs(self, owner: str, kind: str) -> list[tuple[str, str]]:
        owners, values = self.identifiers.get(owner, ()), self.identifiers.get(kind, ())
        return [(o, v) for o in owners for v in values]


def erase(shop: Shop, customer_ids: Sequence[str], progress: Progress = silent) -> Erased:
    """Erase customers by id. NotFoundError, and nothing done, if one is nowhere in the store.

    A customer who is erased already is no error, so that an interrupted command can be given again.
    """
    from foresell.services.live.shared_shop import carried

    with writing(shop, "erase", progress), carried(shop) as shared:
        move_segments(shop, progress)
        marks = _find_tombstones(shop, customer_ids)
        # In this order: a crash between the two leaves nothing to do, not something half done.
        shop.folder.state.set_meta(PENDING, "yes")
        shop.folder.state.bury(marks)
        reached("erase.tombstoned")
        finish_erasure(shop, progress)
        if shared is not None:
            shared.forget()
        models = trained_models(shop)
    return Erased(len(set(customer_ids)), len(marks), models)


def _find_tombstones(shop: Shop, customer_ids: Sequence[str]) -> list[Tombstone]:
    with shop.connect() as connection:
        wanted = sorted(same_customers(shop, connection, customer_ids))
        prepare_tokens(connection, shop.key)
        relations = [*_tables(shop, connection), *_raw_runs(shop, connection)]
        connection.execute("CREATE TEMP TABLE wanted (kind VARCHAR, value VARCHAR)")
        connection.execute("INSERT INTO wanted SELECT 'customer_id', unnest(?::VARCHAR[])", [wanted])
        _require_known(shop, connection, relations, wanted)
        for kind in LINKED_KINDS:
            _link(connection, relations, "customer_id", kind)
        for kind in LINE_KINDS:
            _link(connection, relations, "order_id", kind)
        found = connection.execute("SELECT DISTINCT kind, value FROM wanted ORDER BY ALL").fetchall()
    return [tombstone(shop.key, kind, value) for kind, value in found]


def _tables(shop: Shop, connection: "duckdb.DuckDBPyConnection") -> list[_Relation]:
    EngineTables(DuckDBViews(connection), shop.folder.files).refresh_all()
    return [
        _Relation(f"SELECT * FROM {name}_history", _of_table(table), name == "orders")
        for name, table in {**TABLES, **LOGS}.items()
        if shop.folder.files(name)
    ]


def _of_table(table: Table) -> Expressions:
    if table.name == "risk_labels":
        return entity_expressions("entity_type", "entity_id")
    kinds = (*CUSTOMER_KINDS, TOKEN_KIND)
    found: Expressions = {
        str(c.identifies): (quoted(c.name),) for c in table.columns if c.identifies in kinds
    }
    if table.name == "identities":
        # A name is nobody's alone, though only one customer has it yet: the next must not be taken for them.
        is_shared = " OR ".join(f"lower(id_type) = {literal(kind)}" for kind in SHARED_KINDS)
        found[TOKEN_KIND] = (f"CASE WHEN {is_shared} THEN NULL ELSE id_token END",)
    return found


def _raw_runs(shop: Shop, connection: "duckdb.DuckDBPyConnection") -> list[_Relation]:
    """Raw rows name more people than the tables: those in quarantine, and of runs taken back."""
    found = []
    for run in shop.folder.raw.runs():
        parts = shop.folder.raw.part_paths(run)
        if run.kind != "duplicate" and parts:
            targets = {target.table for target in mapping_from_json(run.mapping).targets}
            identifiers = run_expressions(connection, run, parts)
            found.append(_Relation(raw_rows_sql(parts), identifiers, "orders" in targets))
    return found


def _require_known(
    shop: Shop,
    connection: "duckdb.DuckDBPyConnection",
    relations: Sequence[_Relation],
    wanted: Sequence[str],
) -> None:
    erased = set(shop.folder.state.tombstones())
    unknown = {value for value in wanted if tombstone(shop.key, "customer_id", value) not in erased}
    for relation in relations:
        for customer in relation.identifiers.get("customer_id", ()):
            rows = connection.execute(
                f"SELECT DISTINCT {customer} FROM ({relation.rows}) "
                f"WHERE {customer} IN (SELECT value FROM wanted)"
            ).fetchall()
            unknown -= {value for (value,) in rows}
    if unknown:
        raise NotFoundError(
            f"{len(unknown)} of {len(wanted)} customers are nowhere in this store",
            do="Check the ids; nothing was erased.",
        )


def _link(
    connection: "duckdb.DuckDBPyConnection", relations: Sequence[_Relation], owner: str, kind: str
) -> None:
    """Add to `wanted` the identifiers of a kind that stand beside a wanted owner, and beside no other.

    What others share, such as a family's device, is left: those rows are theirs too. An order is
    whose the orders say, though somebody else may have brought it back.
    """
    owners = f"(SELECT value FROM wanted WHERE kind = {literal(owner)})"
    connection.execute("CREATE OR REPLACE TEMP TABLE linked (value VARCHAR, is_certain BOOLEAN)")
    connection.execute("CREATE OR REPLACE TEMP TABLE others (value VARCHAR, is_certain BOOLEAN)")
    places = [(r, o, v) for r in relations for o, v in r.pairs(owner, kind)]
    for relation, own, value in places:
        connection.execute(
            f"INSERT INTO linked SELECT DISTINCT {value}, {_is_certain(relation, kind)} "
            f"FROM ({relation.rows}) WHERE {own} IN {owners} AND {value} IS NOT NULL"
        )
    for relation, own, value in places:
        connection.execute(
            f"INSERT INTO others SELECT DISTINCT {value}, {_is_certain(relation, kind)} "
            f"FROM ({relation.rows}) WHERE {value} IN (SELECT value FROM linked) AND {own} NOT IN {owners}"
        )
    connection.execute(
        f"""INSERT INTO wanted SELECT {literal(kind)}, l.value
        FROM (SELECT value, bool_or(is_certain) AS is_certain FROM linked GROUP BY value) l
        LEFT JOIN (SELECT value, bool_or(is_certain) AS is_certain FROM others GROUP BY value) o
            ON o.value = l.value
        WHERE o.value IS NULL OR (l.is_certain AND NOT o.is_certain)"""
    )


def _is_certain(relation: _Relation, kind: str) -> str:
    return "true" if kind == "order_id" and relation.is_orders else "false"
