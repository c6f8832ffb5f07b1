"""Every contract explains itself: settings, tables, errors, and the words that they use."""

import re
from pathlib import Path

import pytest

from foresell.contracts import errors
from foresell.contracts.columns import Column
from foresell.contracts.records import RECORDS
from foresell.contracts.results import RESULTS
from foresell.contracts.settings import Settings
from foresell.contracts.tables import EVENT_NAMES, TABLES, Table
from foresell.kpis import KPIS

REPOSITORY = Path(__file__).resolve().parents[2]
ALL_TABLES = {**TABLES, **RESULTS, **RECORDS}
GLOSSARY = (REPOSITORY / "GLOSSARY.md").read_text(encoding="utf-8")
TIME_ENDINGS = ("_at", "valid_from", "valid_to", "at", "time")
CHINESE = re.compile("[\u4e00-\u9fff]")


def error_classes() -> list[type[errors.ForesellError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [value for value in found if issubclass(value, errors.ForesellError)]


def fields() -> list[tuple[str, str]]:
    tree = Settings()
    return [(s, key) for s in Settings.model_fields for key in type(getattr(tree, s)).model_fields]


@pytest.mark.parametrize(("section", "key"), fields())
def test_every_setting_has_a_description(section: str, key: str) -> None:
    description = type(getattr(Settings(), section)).model_fields[key].description
    assert description
    assert "\n" not in description, "it becomes one comment line"


@pytest.mark.parametrize("table", ALL_TABLES.values(), ids=ALL_TABLES)
def test_every_table_says_what_a_row_is_and_has_a_key(table: Table) -> None:
    assert table.doc.endswith(".")
    assert table.key
    assert [column.name for column in table.own_columns][: len(table.key)] == list(table.key), (
        "keys come first"
    )
    assert all(table.column[name].required for name in table.key)


@pytest.mark.parametrize("table", ALL_TABLES.values(), ids=ALL_TABLES)
def test_names_of_columns_tell_their_types(table: Table) -> None:
    for column in table.columns:
        assert _is_named_well(column), f"{table.name}.{column.name} is a {column.type}"


def _is_named_well(column: Column) -> bool:
    if column.name.startswith("is_"):
        return column.type == "boolean"
    if column.name.endswith("_at"):
        return column.type == "timestamp"
    if column.name.endswith("_date"):
        return column.type == "date"
    if column.name.endswith("_amount"):
        return column.type == "decimal"
    if column.name.endswith(("_id", "_token")):
        return column.type == "string"
    return column.type != "timestamp" or column.name.endswith(TIME_ENDINGS)


def test_a_column_means_the_same_in_every_table() -> None:
    types: dict[str, set[str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            types.setdefault(column.name, set()).add(column.type)
    assert {name: found for name, found in types.items() if len(found) > 1} == {}


def test_every_way_to_a_person_is_marked() -> None:
    """Erasure follows the marks: an id column of a person without one would be left behind."""
    personal = {"customer_id", "anonymous_id", "session_id", "order_id", "id_token", "ip_token", "card_token"}
    for table in ALL_TABLES.values():
        for column in table.columns:
            if column.name in personal:
                assert column.identifies, f"{table.name}.{column.name}"


@pytest.mark.parametrize("error", error_classes())
def test_every_error_is_in_the_tree_with_its_codes(error: type[errors.ForesellError]) -> None:
    line = next(
        line for line in (errors.__doc__ or "").splitlines() if re.search(rf"\b{error.__name__}\b", line)
    )
    if error is errors.ForesellError:
        return
    codes = re.search(r"exit (\d+), HTTP (\d+)", line)
    assert codes, line
    assert (int(codes.group(1)), int(codes.group(2))) == (error.exit_code, error.http_status)
    assert 1 < error.exit_code < 64


@pytest.mark.parametrize("word", [*ALL_TABLES, *EVENT_NAMES])
def test_the_glossary_knows_every_table_and_event(word: str) -> None:
    assert f"`{word}`" in GLOSSARY


@pytest.mark.parametrize("kpi", KPIS)
def test_the_glossary_knows_every_kpi_by_its_chinese_name(kpi: str) -> None:
    lines = [line for line in GLOSSARY.splitlines() if line.startswith((f"| `{kpi}` |", f"| `{kpi}` (KPI)"))]
    name = KPIS[kpi].chinese.name.split("（按")[0]
    assert any(name in line for line in lines)


def test_every_term_of_the_glossary_is_also_given_in_chinese() -> None:
    rows = [line for line in GLOSSARY.splitlines() if line.startswith("| ") and not line.startswith("| term")]
    assert rows
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3, row
        assert CHINESE.search(cells[1]), row
        assert cells[2], row
