from pathlib import Path

import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.sources.mapping import Field, mapping_from_json, mapping_to_json, read_mapping
from foresell.sources.mapping_toml import __doc__ as explained

SMALL = """
[tables.orders.columns]
order_id = "Order No"
created_at = "Date"
"""

REFUNDS = """
[tables.refunds.columns]
refund_id = "a"
created_at = "b"
amount = "c"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "my_shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_example_is_a_mapping(tmp_path: Path) -> None:
    lines = (explained or "").splitlines()
    example = "\n".join(line[4:] for line in lines if line.startswith("    "))
    example = example.replace("[tables.order_lines.columns]", NEEDED_LINES)
    mapping = read_mapping(write(tmp_path, example))
    assert (mapping.name, mapping.time_zone, mapping.currency) == ("my_webshop", "Europe/Berlin", "EUR")
    assert (mapping.decimal, mapping.read.delimiter, mapping.read.encoding) == (",", ";", "cp1252")
    orders, lines_target = mapping.targets[:2]
    assert (orders.is_primary, orders.is_one_per_key) == (False, True)
    assert (lines_target.is_primary, lines_target.is_one_per_key) == (True, False)
    assert orders.fields["created_at"] == Field(columns=("Date",), formats=("%d/%m/%Y %H:%M",))
    assert orders.fields["status"].values == {"versandt": "shipped"}
    assert lines_target.fields["order_line_id"].columns == ("Order No", "Line")
    assert orders.when is not None
    assert "'order'" in orders.when
    assert mapping_from_json(mapping_to_json(mapping)) == mapping


NEEDED_LINES = """[tables.order_lines.columns]
order_id = "Order No"
product_id = "SKU"
quantity = "Qty"
unit_price = "Price"
discount_amount = "Rebate"
"""


def test_the_file_name_is_the_name_and_the_first_table_primary(tmp_path: Path) -> None:
    mapping = read_mapping(write(tmp_path, SMALL))
    assert (mapping.name, mapping.targets[0].is_primary) == ("my_shop", True)


def test_a_bare_customer_beside_orders_only_makes_unknown_ones(tmp_path: Path) -> None:
    mapping = read_mapping(
        write(tmp_path, SMALL + '\n[tables.customers.columns]\ncustomer_id = "Customer"\n')
    )
    assert (mapping.targets[1].table, mapping.targets[1].is_stub) == ("customers", True)


def test_identifiers_may_stand_among_the_columns(tmp_path: Path) -> None:
    text = SMALL + 'customer_id = "Customer"\nemail = { from = "E-Mail", identifier = "email" }\n'
    mapping = read_mapping(write(tmp_path, text))
    assert mapping.identifiers == {"E-Mail": "email"}
    assert "email" not in mapping.targets[0].fields
    assert [target.table for target in mapping.targets] == ["orders", "identities"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = [", "is not TOML"),
        ("", "maps no table"),
        ("currncy = 'EUR'\n" + SMALL, "no key 'currncy'.*Did you mean 'currency'"),
        (SMALL.replace("orders", "order"), "no table 'order'.*Did you mean 'orders'"),
        (SMALL.replace("order_id", "order_nr"), "no column 'order_nr'.*Did you mean"),
        (SMALL.replace('created_at = "Date"', ""), "lacks created_at"),
        (SMALL.replace('"Date"', "{ form = 'Date' }"), "no key 'form'.*Did you mean 'from'"),
        (SMALL.replace('"Date"', "{ from = 'Date', value = '1' }"), "either 'from' or 'value'"),
        (SMALL.replace('"Date"', "{ from = 'Date', formats = '%d' }"), "formats must be a list"),
        (SMALL.replace('"Date"', "{ from = 'Date', decimal = ';' }"), "decimal must be"),
        (SMALL.replace('"Date"', "3"), "must be a table"),
        ("currency = 'EURO'\n" + SMALL, "ISO 4217"),
        ("time_zone = 'Mars'\n" + SMALL, "IANA"),
        ("[identifiers]\nMail = 'mail'\n" + SMALL, "kind of identifier.*Did you mean 'email'"),
        ("[read]\ndelimeter = ';'\n" + SMALL, "no option 'delimeter'.*Did you mean 'delimiter'"),
        ("[tables.orders]\nwhere = { column = 'x' }\n" + SMALL, "'in' or 'starts_with'"),
        (SMALL + "\n[tables.orders]\nprimary = 1\n", "is not TOML|true or false"),
        ("[tables.refunds]\nvalid_from = 'x'\n" + REFUNDS, "keeps no versions"),
    ],
)
def test_mistakes_are_named_with_the_way_out(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_mapping(write(tmp_path, text))


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no mapping"):
        read_mapping(tmp_path / "gone.toml")


def test_quotes_in_words_stay_words(tmp_path: Path) -> None:
    text = '[tables.orders]\nwhere = { column = "T\\"x", in = ["a\' OR true --"] }\n' + SMALL
    when = read_mapping(write(tmp_path, text)).targets[0].when
    assert when == "coalesce(trim(CAST(\"T\"\"x\" AS VARCHAR)) IN ('a'' OR true --'), false) = true"
