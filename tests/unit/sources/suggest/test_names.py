"""What names of columns are taken to mean, in several languages and styles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.sources.suggest.abbreviations import written_out
from foresell.sources.suggest.names import name_scores, tokens_of


@pytest.mark.parametrize(
    "name",
    [
        "Order No.",
        "orderNumber",
        "ORDER_NUM",
        "order-id",
        "订单编号",
        "訂單編號",
        "Bestellnummer",
        "ord_no",
        "wc_order_id",
    ],
)
def test_one_meaning_in_many_styles(name: str) -> None:
    assert tokens_of(name) == ("order", "id")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("年龄", "customers.age_band"),
        ("收入", "customers.income_band"),
        ("购买商品种类", "products.category"),
        ("订单号", "orders.order_id"),
        ("下单时间", "orders.created_at"),
        ("实付金额", "orders.total_amount"),
        ("買家應付貨款", "orders.subtotal_amount"),
        ("收货人手机", "identifier:phone"),
        ("Lineitem quantity", "order_lines.quantity"),
        ("rfnd_amt", "refunds.amount"),
        ("Versandkosten", "orders.shipping_amount"),
        ("Custom Label (SKU)", "order_lines.product_id"),
        ("OnOrder", "inventory.on_order"),
        ("consignee_surname", "identifier:name"),
        ("收货人电话", "identifier:phone"),
        ("2、您的年龄段：", "customers.age_band"),
    ],
)
def test_names_say_what_a_column_is(name: str, answer: str) -> None:
    assert name_scores(name)[answer] > 0.9


def test_little_words_carry_meaning() -> None:
    assert name_scores("Order").get("inventory.on_order", 0) < 0.5
    assert name_scores("processed_by").get("refunds.created_at", 0) < 0.5
    assert "percent" in tokens_of("Discount %")


def test_a_name_in_two_scripts_is_several_words() -> None:
    assert tokens_of("APP渠道") == ("app", "channel")
    assert tokens_of("订单ID") == ("order", "id")


def test_a_count_is_no_number() -> None:
    assert tokens_of("Number of orders") == ("count", "order")
    assert tokens_of("NumberOfAddress") == ("count", "address")


@pytest.mark.parametrize(
    "name",
    ["total_tax_excl", "total_paid_tax_incl", "Total (sin IVA)", "Total ohne MwSt.", "total excl. VAT"],
)
def test_an_amount_without_tax_is_no_tax(name: str) -> None:
    assert "tax" not in tokens_of(name)
    assert "total" in tokens_of(name)
    assert tokens_of("num_orders") == ("count", "order")
    assert tokens_of("num_order") == ("id", "order")


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("order_date_key", ("order", "time")),
        ("Tax 5%", ("tax",)),
        ("o_id", ("order", "id")),
        ("itm_dsc", ("product", "description")),
        ("line_dsc", ("line", "discount")),
    ],
)
def test_what_single_letters_and_small_words_stand_for(name: str, tokens: tuple[str, ...]) -> None:
    assert tokens_of(name) == tokens


def test_an_amount_with_tax_is_no_tax() -> None:
    assert name_scores("total_inc_tax")["orders.total_amount"] > 0.9
    assert name_scores("total_inc_tax").get("orders.tax_amount", 0) < 0.5


def test_what_paths_end_in_counts() -> None:
    assert name_scores("order.customer.id")["orders.customer_id"] > 0.9
    assert name_scores("postal.recipient.last_name")["identifier:name"] > 0.9


@pytest.mark.parametrize(
    ("short", "full"), [("rfnd", "refund"), ("cmpgn", "campaign"), ("descr", "description"), ("zzkd", None)]
)
def test_letters_left_out(short: str, full: str | None) -> None:
    assert written_out(short) == full


@given(st.text(max_size=60))
def test_any_name_has_scores_between_0_and_a_little_over_1(name: str) -> None:
    assert all(0 < score <= 1.03 for score in name_scores(name).values())
