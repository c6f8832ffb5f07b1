"""What is bought together, with names."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.kpis.answer import KpiAnswer
from foresell.services.report.gather.titles import NamedProduct, name_products
from foresell.services.report.sections import Answers, PairRow

MOST_PAIRS = 12


def gather_pairs(tables: Tables, overall: Answers) -> tuple[PairRow, ...]:
    """The rules of the greatest lift, each pair once, in its more confident direction.

    Pairs of two categories come first, for sizes and flavors of one thing tell an owner nothing new;
    two products of one name are left out for the same reason.
    """
    answer = overall.get("basket_affinity")
    if not isinstance(answer, KpiAnswer):
        return ()
    ids = {row[side] for row in answer.rows for side in ("antecedent", "consequent")}
    named = name_products(tables, ids)
    best: dict[frozenset[str], dict[str, Any]] = {}
    for row in answer.rows:
        names = frozenset((named[row["antecedent"]].title, named[row["consequent"]].title))
        if len(names) == 2 and (names not in best or row["confidence"] > best[names]["confidence"]):
            best[names] = row
    pairs = [_pair(row, named) for row in best.values()]
    pairs.sort(
        key=lambda pair: (not _is_mixed(pair, named), -pair.lift, pair.antecedent_id, pair.consequent_id)
    )
    return tuple(pairs[:MOST_PAIRS])


def _is_mixed(pair: PairRow, named: dict[str, NamedProduct]) -> bool:
    first, second = named[pair.antecedent_id].category, named[pair.consequent_id].category
    return first is not None and second is not None and first != second


def _pair(row: dict[str, Any], named: dict[str, NamedProduct]) -> PairRow:
    return PairRow(
        antecedent=named[row["antecedent"]].title,
        consequent=named[row["consequent"]].title,
        antecedent_id=row["antecedent"],
        consequent_id=row["consequent"],
        orders=row["orders"],
        support=row["support"],
        confidence=row["confidence"],
        lift=row["lift"],
    )
