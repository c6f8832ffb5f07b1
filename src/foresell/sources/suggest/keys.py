"""Keys for tables whose source numbers nothing: made of columns that tell the rows apart."""

from collections.abc import Sequence

from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.proposal import Question
from foresell.sources.suggest.reading import Source

# What the rows of a table are told apart by where it has no key of its own, in the order they are tried.
KEY_PARTS = {
    "order_lines": ("order_id", "product_id"),
    "events": ("session_id", "customer_id", "anonymous_id", "occurred_at", "event_name", "product_id"),
    "refunds": ("order_id", "product_id", "created_at"),
    "reviews": ("product_id", "customer_id", "created_at"),
    "tickets": ("customer_id", "created_at"),
    "redemptions": ("coupon_code", "customer_id", "order_id", "redeemed_at"),
    "exposures": ("customer_id", "occurred_at", "experiment_id"),
    "promotions": ("product_id", "location_id", "starts_at"),
    "receipts": ("product_id", "supplier_id", "received_at", "ordered_at"),
    "campaigns": ("starts_at", "kind"),
    "orders": ("customer_id", "created_at", "total_amount"),
}


def make_key(evidence: Evidence, table: str, columns: dict[str, Source], key: str) -> Question | None:
    """Give a table a key of columns that no two sampled rows share; the question if there are none.

    A key that is there, and repeats, is the first of them.
    """
    number = columns.get(key)
    parts: list[str] = list(number.columns) if number else []
    wanted = [
        columns[part].columns[0]
        for part in KEY_PARTS.get(table, ())
        if part in columns and columns[part].columns
    ]
    unique = None if parts else _unique_column(evidence, wanted)
    if unique:
        columns[key] = Source((unique,), note="no value repeats")
        return None
    rest = [name for name in evidence.profiles if name not in wanted and evidence.profiles[name].fill == 1]
    rest.sort(key=lambda name: -len(evidence.profiles[name].counts))
    for column in [*wanted, *rest[:4]]:
        if evidence.profiles[column].fill < 1 and parts:
            continue
        before = _num_repeated(evidence, parts)
        if parts and _num_repeated(evidence, [*parts, column]) >= before:
            continue
        parts.append(column)
        if not _num_repeated(evidence, parts):
            break
    if not parts:
        return None
    repeated = _num_repeated(evidence, parts)
    why = "several rows have one number" if number else "no column has it"
    columns[key] = Source(tuple(parts), note=f"{why}: made of what tells the rows apart")
    if not repeated:
        return None
    text = (
        f"What tells the rows apart? {repeated} of {evidence.sample.num_rows} sampled rows share "
        f"{', '.join(parts)} with another, and would count as one."
    )
    return Question("key", text, None, tuple(parts))


def _unique_column(evidence: Evidence, but: Sequence[str]) -> str | None:
    for name, profile in evidence.profiles.items():
        is_number = profile.is_whole or profile.number_share == 0
        is_key = profile.fill == 1 and profile.uniqueness == 1 and profile.num_rows > 20 and is_number
        if (
            name not in but
            and is_key
            and name.lower().endswith(("id", "编号", "no", "key", "row", "line", "序号", "uuid"))
        ):
            return name
    return None


def _num_repeated(evidence: Evidence, columns: Sequence[str]) -> int:
    texts = [evidence.sample.texts[name] for name in columns]
    rows = list(zip(*texts, strict=True))
    return len(rows) - len(set(rows)) if rows else evidence.sample.num_rows
