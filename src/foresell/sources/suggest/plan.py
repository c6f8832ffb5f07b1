"""From proposals to a mapping: which table takes which columns, how they are read, what keys are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from foresell.contracts.columns import Column
from foresell.contracts.tables import TABLES
from foresell.sources.suggest.detectors import plain_word
from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.proposal import ColumnProposal, Proposals, Question
from foresell.sources.suggest.targets import SHARED, SIDES
from foresell.sources.suggest.value_words import EVENT_MEANINGS, FLAG_FALSE, FLAG_TRUE, STATUS_MEANINGS
from foresell.sources.words import FALSE_WORDS, NOTHING_WORDS, TRUE_WORDS, VOCABULARIES

# Where a table lacks its own customer, what names one instead, the surest first.
CUSTOMER_STAND_INS = ("email", "phone", "account", "document")
# A key part that a file does not have, and that may be the same in all of its rows.
CONSTANT_KEYS = {
    ("inventory", "location_id"): "main",
    ("ad_spend", "campaign_id"): "all",
    ("ad_spend", "channel"): "all",
    ("coupons", "campaign_id"): "none",
    ("coupons", "product_id"): "any",
    ("calendar", "country"): "any",
    ("supplies", "supplier_id"): "unknown",
    ("risk_labels", "entity_type"): "customer",
}
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
KNOWN_NOTHING = (
    "--",
    "/",
    "—",
    "无",
    "暂无",
    "空",
    "未知",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "#value!",
    "(null)",
    "(not set)",
)
MOST_STRANGE = 0.05
READABLE = 0.7


@dataclass(frozen=True)
class Source:
    """Where one target column comes from, as a mapping TOML says it; see `mapping_toml`."""

    columns: tuple[str, ...] = ()
    value: str | None = None
    calculate: str | None = None
    year_of: str | None = None
    separator: str | None = None
    formats: tuple[str, ...] = ()
    decimal: str | None = None
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    identifier: str | None = None
    note: str = ""


@dataclass
class Plan:
    """A mapping in the making. `left_out`: table → why its columns cannot be imported; `problems`: why the
    main table cannot."""

    main: str
    tables: dict[str, dict[str, Source]]
    identifiers: dict[str, str]
    null_words: list[str] = field(default_factory=list)
    currency: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def make_plan(evidence: Evidence, proposals: Proposals, file_date: str) -> Plan:
    """`file_date`: the day that stands for a stock's, where no column has one."""
    plan = Plan(proposals.table, {proposals.table: {}}, {})
    for proposal in proposals.columns:
        _place(evidence, plan, proposal)
    _share(plan)
    _add_customer(plan)
    _add_sides(plan)
    _complete_main(evidence, plan, proposals, file_date)
    _drop_incomplete_sides(plan)
    plan.null_words = sorted(_nothings(evidence, plan))
    return plan


def _place(evidence: Evidence, plan: Plan, proposal: ColumnProposal) -> None:
    if proposal.target is None:
        return
    kind, _, name = proposal.target.partition(":")
    if kind == "identifier":
        plan.identifiers[proposal.column] = name
        return
    table, _, column = proposal.target.partition(".")
    profile = evidence.profiles[proposal.column]
    note = f"{proposal.confidence:.2f}: {'; '.join(proposal.reasons)}"
    source, question = _source(profile, table, column)
    if question:
        plan.questions.append(question)
    if source is not None:
        plan.tables.setdefault(table, {})[column] = replace(source, note=note)


def _source(profile: Profile, table: str, name: str) -> tuple[Source | None, Question | None]:
    """How a column is read; None where its words are not understood."""
    column = TABLES[table].column[name]
    source = Source((profile.name,))
    if unreadable := _unreadable(profile, column):
        return None, unreadable
    if column.type in ("timestamp", "date"):
        return _dated(source, profile)
    if (table, name) == ("customers", "birth_year") and profile.shares["year"] < 0.9:
        return Source(year_of=profile.name), None
    if column.type == "boolean":
        return _flagged(source, profile), None
    if (table, name) in VOCABULARIES:
        return _worded(source, profile, table, name)
    if column.type in ("decimal", "float", "integer"):
        return replace(source, decimal=profile.decimal), None
    if name == "currency":
        return replace(source, values=tuple(_currency_words(profile))), None
    return source, None


def _unreadable(profile: Profile, column: Column) -> Question | None:
    """The question how a column is written that its type's parser does not read."""
    shares = {"timestamp": profile.time_share, "date": profile.time_share}
    if column.type in ("decimal", "float", "integer"):
        shares[column.type] = max(
            profile.number_share, profile.time_share if column.name == "birth_year" else 0.0
        )
    if profile.is_empty or profile.kind != "text" or shares.get(column.type, 1.0) >= READABLE:
        return None
    text = f"'{profile.name}' is left out: its values cannot be read as {column.type} as they are written."
    return Question("values", text, profile.name, (), tuple(profile.shown[:3]))


def _dated(source: Source, profile: Profile) -> tuple[Source, Question | None]:
    style = profile.dates
    if not style.is_ambiguous:
        return replace(source, formats=style.formats), None
    choices = (", ".join(style.formats), ", ".join(style.others))
    text = f"In '{profile.name}', does the day or the month come first? Its values allow both; the day is assumed."
    return replace(source, formats=style.formats), Question(
        "dates", text, profile.name, choices, tuple(profile.shown[:3])
    )


def _flagged(source: Source, profile: Profile) -> Source:
    words = {value.strip().lower() for value in profile.counts}
    true = tuple(sorted(words & FLAG_TRUE - set(TRUE_WORDS)))
    false = tuple(sorted(words & FLAG_FALSE - set(FALSE_WORDS)))
    return replace(source, true_words=true, false_words=false)


def _currency_words(profile: Profile) -> list[tuple[str, str]]:
    known = {"人民币": "CNY", "美元": "USD", "欧元": "EUR"}
    return [(value, known[value]) for value in profile.counts if value in known]


def _worded(source: Source, profile: Profile, table: str, name: str) -> tuple[Source | None, Question | None]:
    known, aliases, _ = VOCABULARIES[table, name]
    meanings = STATUS_MEANINGS if name == "status" else EVENT_MEANINGS
    values, strange = [], []
    for value, count in profile.counts.items():
        word = plain_word(value)
        if word in known or word in aliases:
            continue
        if word in meanings:
            values.append((value, meanings[word]))
        else:
            strange.append((value, count))
    question = None
    if strange:
        listed = ", ".join(f"'{value}'" for value, _ in strange[:8])
        question = Question(
            "values",
            f"What do {listed} in '{profile.name}' mean? Add them to its values, each as one of: {', '.join(known)}.",
            profile.name,
            tuple(known),
            tuple(value for value, _ in strange[:8]),
        )
    is_too_strange = sum(count for _, count in strange) > MOST_STRANGE * max(1, profile.num_given)
    if is_too_strange and not TABLES[table].column[name].required:
        return None, question
    return replace(source, values=tuple(values)), question


def _share(plan: Plan) -> None:
    """A column by which tables refer to each other goes to all of those that are there."""
    shared = {
        column: source
        for table in (plan.main, *SIDES.get(plan.main, ()))
        for column, source in plan.tables.get(table, {}).items()
        if column in SHARED
    }
    for table in (plan.main, *SIDES.get(plan.main, ())):
        own = {column.name for column in TABLES[table].own_columns}
        if table in plan.tables:
            for column, source in shared.items():
                if column in own and column not in plan.tables[table]:
                    plan.tables[table][column] = replace(source, note="")


def _add_customer(plan: Plan) -> None:
    """Who bought, by an e-mail address or phone number where the file has no number of the customer."""
    tables = [t for t in (plan.main, *SIDES.get(plan.main, ())) if "customer_id" in TABLES[t].column]
    if not tables or any("customer_id" in plan.tables.get(table, {}) for table in tables):
        return
    for kind in CUSTOMER_STAND_INS:
        column = next((name for name, known in plan.identifiers.items() if known == kind), None)
        if column is None:
            continue
        source = Source(
            (column,),
            identifier=kind,
            note=f"there is no number of the customer: the token of the {kind} stands for it",
        )
        for table in tables:
            if table in plan.tables or table == "customers":
                plan.tables.setdefault(table, {}).setdefault("customer_id", source)
        return


def _add_sides(plan: Plan) -> None:
    """Tables whose keys the rows name are told of them."""
    sides = SIDES.get(plan.main, ())
    for table, key in (("customers", "customer_id"), ("products", "product_id")):
        holder = next((t for t in plan.tables.values() if key in t), None)
        is_needed = table in sides and table not in plan.tables
        if is_needed and holder is not None:
            plan.tables[table] = {key: replace(holder[key], note="")}


def _complete_main(evidence: Evidence, plan: Plan, proposals: Proposals, file_date: str) -> None:
    table, columns = TABLES[plan.main], plan.tables[plan.main]
    _product_by_name(plan)
    if (
        plan.main == "order_lines"
        and "line_amount" not in columns
        and {"quantity", "unit_price"} <= set(columns)
    ):
        formula = "quantity * unit_price"
        if "discount_amount" in columns:
            formula += " - discount_amount"
        columns["line_amount"] = Source(calculate=formula, note="no column has it: it is computed")
    for (owner, column), value in CONSTANT_KEYS.items():
        if owner == plan.main and column not in columns:
            columns[column] = Source(value=value, note="no column says it: the same for all rows")
    if plan.main == "inventory" and "as_of_date" not in columns:
        columns["as_of_date"] = Source(value=file_date, note="no column says it")
        plan.questions.append(
            Question(
                "missing",
                f"Of which day is this stock? {file_date} is assumed (the file's own).",
                None,
                (file_date,),
            )
        )
    for name in table.key:
        if name not in columns and table.column[name].type == "string":
            _make_key(evidence, plan, name)
    needed = [*table.key, *(c.name for c in table.own_columns if c.required and c.name != "currency")]
    for name in dict.fromkeys(needed):
        if name not in columns:
            plan.problems.append(name)
            plan.questions.append(
                Question(
                    "missing",
                    f"Which column is {plan.main}.{name}? The table cannot do without it, and no column looks like it.",
                    None,
                )
            )


def _product_by_name(plan: Plan) -> None:
    """Where a product has no number, its name stands for it."""
    title = plan.tables.get("products", {}).get("title")
    for columns in plan.tables.values():
        if title is not None and "product_id" not in columns and title.columns:
            name = next(t for t, c in plan.tables.items() if c is columns)
            if "product_id" in TABLES[name].column:
                columns["product_id"] = replace(
                    title, note="there is no number of the product: its name stands for it"
                )


def _make_key(evidence: Evidence, plan: Plan, key: str) -> None:
    """A key of several columns that no two sampled rows share, or a question."""
    columns = plan.tables[plan.main]
    parts: list[str] = []
    wanted = [
        columns[part].columns[0]
        for part in KEY_PARTS.get(plan.main, ())
        if part in columns and columns[part].columns
    ]
    unique = _unique_column(evidence, wanted)
    if unique:
        columns[key] = Source((unique,), note="no value repeats")
        return
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
        return
    repeated = _num_repeated(evidence, parts)
    columns[key] = Source(tuple(parts), note="no column has it: made of what tells the rows apart")
    if repeated:
        plan.questions.append(
            Question(
                "key",
                f"What tells the rows apart? {repeated} of {evidence.sample.num_rows} sampled rows share {', '.join(parts)} with another, and would count as one.",
                None,
                tuple(parts),
            )
        )


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


def _drop_incomplete_sides(plan: Plan) -> None:
    for name in list(plan.tables):
        table, columns = TABLES[name], plan.tables[name]
        if name == plan.main:
            continue
        if name == "inventory":
            columns.setdefault("location_id", Source(value="main", note="no column says it"))
        needed = {*table.key, *(c.name for c in table.own_columns if c.required)} - {"currency"}
        lacking = sorted(needed - set(columns))
        if lacking:
            plan.left_out[name] = ", ".join(lacking)


def _nothings(evidence: Evidence, plan: Plan) -> set[str]:
    """Words in columns of numbers and times that say that there is nothing."""
    found = set()
    for name, columns in plan.tables.items():
        for target, source in columns.items():
            if TABLES[name].column[target].type in ("string", "json"):
                continue
            for column in source.columns:
                values = evidence.profiles[column].counts
                found |= {
                    v.strip()
                    for v in values
                    if v.strip().lower() in KNOWN_NOTHING and v.lower() not in NOTHING_WORDS
                }
    return found
