"""From proposals to a mapping: which table takes which columns, how they are read, what keys are made of."""

from dataclasses import dataclass, field, replace

from foresell.contracts.tables import TABLES
from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.keys import make_key
from foresell.sources.suggest.proposal import ColumnProposal, Proposals, Question
from foresell.sources.suggest.reading import Source, how_read
from foresell.sources.suggest.targets import OF_SEVERAL_ROWS, SHARED, SIDES
from foresell.sources.words import NOTHING_WORDS

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


@dataclass
class Plan:
    """A mapping in the making. `left_out`: table → why its columns cannot be imported; `problems`: why the
    main table cannot; `conditions`: side table → the column without which a row does not feed it."""

    main: str
    tables: dict[str, dict[str, Source]]
    identifiers: dict[str, str]
    null_words: list[str] = field(default_factory=list)
    currency: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)


def make_plan(evidence: Evidence, proposals: Proposals, file_date: str) -> Plan:
    """`file_date`: the day that stands for a stock's, where no column has one."""
    plan = Plan(proposals.table, {proposals.table: {}}, {})
    for proposal in proposals.columns:
        _place(evidence, plan, proposal)
    _share(plan)
    _add_customer(plan)
    _add_sides(plan)
    _complete_main(evidence, plan, proposals, file_date)
    _drop_incomplete_sides(evidence, plan)
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
    contract = TABLES[table]
    is_needed = column in contract.key or contract.column[column].required
    if proposal.is_asked and not (table == plan.main and is_needed):
        return
    profile = evidence.profiles[proposal.column]
    note = f"{proposal.confidence:.2f}: {'; '.join(proposal.reasons)}"
    source, question = how_read(profile, table, column)
    if question:
        plan.questions.append(question)
    if source is not None:
        plan.tables.setdefault(table, {})[column] = replace(source, note=note)


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
        is_text = table.column[name].type == "string"
        if is_text and (name not in columns or _is_of_several_rows(evidence, columns[name], name)):
            question = make_key(evidence, plan.main, columns, name)
            plan.questions.extend([question] if question else [])
    needed = [*table.key, *(c.name for c in table.own_columns if c.required and c.name != "currency")]
    for name in dict.fromkeys(needed):
        if name not in columns:
            plan.problems.append(name)
            plan.questions.append(
                Question(
                    "missing",
                    f"Which column is {plan.main}.{name}? The table needs it, and no column looks like it.",
                    None,
                )
            )


def _is_of_several_rows(evidence: Evidence, source: Source, name: str) -> bool:
    is_repeated = any(evidence.profiles[column].uniqueness < 1 for column in source.columns)
    return name in OF_SEVERAL_ROWS and is_repeated


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


def _drop_incomplete_sides(evidence: Evidence, plan: Plan) -> None:
    for name in list(plan.tables):
        table, columns = TABLES[name], plan.tables[name]
        if name == plan.main:
            continue
        if name == "inventory":
            columns.setdefault("location_id", Source(value="main", note="no column says it"))
        needed = {*table.key, *(c.name for c in table.own_columns if c.required)} - {"currency"}
        _set_condition(evidence, plan, name, needed)
        lacking = sorted(needed - set(columns))
        if lacking:
            plan.left_out[name] = ", ".join(lacking)


def _set_condition(evidence: Evidence, plan: Plan, table: str, needed: set[str]) -> None:
    """Where only some rows say what a side table needs (the first line of an order), only they feed it."""
    columns = plan.tables[table]
    currency = TABLES[table].column.get("currency")
    wanted = {*needed, "currency"} if currency is not None and currency.required else needed
    fills = {
        columns[name].columns[0]: evidence.profiles[columns[name].columns[0]].fill
        for name in wanted
        if name in columns and name not in TABLES[table].key and columns[name].columns
    }
    sparsest = min(fills, key=lambda column: fills[column], default=None)
    if sparsest is not None and fills[sparsest] < 1:
        plan.conditions[table] = sparsest


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
