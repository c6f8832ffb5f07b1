"""The form of a question: what it answers, what it refuses and why."""

from datetime import date

import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings, StoreSettings
from foresell.kpis import KPI_FAMILIES, KPIS
from foresell.kpis.answer import KpiAnswer, Unavailable
from foresell.kpis.dimensions import DIMENSIONS
from foresell.kpis.query import all_kpis, query_kpi, valid_dimensions

SETTINGS = Settings()


def order(order_id, local_date, **others):
    head = {
        "order_id": order_id,
        "customer_id": "C1",
        "currency": "USD",
        "created_at": f"{local_date}T12:00:00Z",
    }
    return {**head, "local_date": local_date, **others}


def line(order_line_id, order_id, amount, **others):
    return {
        "order_line_id": order_line_id,
        "order_id": order_id,
        "product_id": "P1",
        "quantity": 1,
        "line_amount": amount,
        **others,
    }


@pytest.fixture
def shop(make_tables):
    return make_tables(
        {
            "orders": [order("O1", "2024-02-28", channel="web"), order("O2", "2024-02-29", channel="store")],
            "order_lines": [
                line("L1", "O1", "10.00"),
                line("L2", "O2", "20.00", product_id="P2"),
                line("L3", "O2", "5.00", product_id="unknown"),
            ],
            "products": [
                {"product_id": "P1", "category": "TEA", "currency": "USD"},
                {"product_id": "P2", "currency": "USD"},
            ],
        }
    )


def test_an_answer_is_json_ready(shop):
    answer = query_kpi(shop, SETTINGS, "net_sales", by="channel", period="month")
    assert answer.as_record() == {
        "kpi": "net_sales",
        "unit": "USD",
        "rows": [
            {"period": "2024-02-01", "channel": "store", "value": 25.0},
            {"period": "2024-02-01", "channel": "web", "value": 10.0},
        ],
    }


def test_without_period_and_dimension_a_row_has_only_its_value(shop):
    assert query_kpi(shop, SETTINGS, "orders").as_record()["rows"] == [{"value": 2}]


def test_days_are_inclusive_on_both_ends_and_know_29_february(shop):
    leap = date(2024, 2, 29)
    assert query_kpi(shop, SETTINGS, "net_sales", start=leap, end=leap).value == 25.0
    assert query_kpi(shop, SETTINGS, "net_sales", end=date(2024, 2, 28)).value == 10.0


@pytest.mark.parametrize(
    ("week_start", "first"), [("monday", "2024-02-26"), ("sunday", "2024-02-25"), ("thursday", "2024-02-22")]
)
def test_a_week_begins_where_the_store_says(shop, week_start, first):
    settings = Settings(store=StoreSettings(week_start=week_start))
    rows = query_kpi(shop, settings, "orders", period="week", end=date(2024, 2, 28)).rows
    assert rows == [{"period": first, "value": 1}]


def test_conditions_on_one_dimension_mean_either_and_an_empty_one_means_none(shop):
    tea_or_none = query_kpi(shop, SETTINGS, "net_sales", where=["category=TEA", "category="])
    assert tea_or_none.value == 35.0
    assert query_kpi(shop, SETTINGS, "net_sales", where=["category="]).value == 25.0
    assert query_kpi(shop, SETTINGS, "net_sales", where={"category": "TEA"}).value == 10.0
    assert query_kpi(shop, SETTINGS, "net_sales", where=["category=TEA", "channel=store"]).value == 0.0


def test_a_ratio_over_nothing_is_null_and_a_sum_zero(shop):
    nothing = {"start": date(2030, 1, 1)}
    assert query_kpi(shop, SETTINGS, "average_order_value", **nothing).value is None
    assert query_kpi(shop, SETTINGS, "net_sales", **nothing).value == 0.0
    assert query_kpi(shop, SETTINGS, "net_sales", period="day", **nothing).rows == []


@pytest.mark.parametrize(
    ("kpi", "arguments", "error", "says"),
    [
        ("net_sale", {}, NotFoundError, "Did you mean 'net_sales'"),
        ("net_sales", {"by": "categori"}, NotFoundError, "Did you mean 'category'"),
        ("net_sales", {"where": ["colour=red"]}, NotFoundError, "no dimension 'colour'"),
        ("net_sales", {"where": ["category"]}, InputError, "dimension=value"),
        ("net_sales", {"period": "year"}, InputError, "day, week, month"),
        ("net_sales", {"start": date(2024, 2, 2), "end": date(2024, 2, 1)}, InputError, "after the last"),
        ("average_order_value", {"by": "category"}, InputError, "would count in each of them"),
        ("days_between_orders", {"by": "brand"}, InputError, "an order holds several products"),
        ("net_sales", {"by": "device_type"}, InputError, "Valid: "),
        ("rfm", {"period": "week"}, InputError, "whole span"),
        ("retention", {"by": "channel"}, InputError, "Valid splits: none"),
        ("basket_affinity", {"by": "location"}, InputError, "product, department, category, brand"),
        ("visits", {}, NotFoundError, "'visits' needs events"),
        ("refunds", {}, NotFoundError, "'refunds' needs refunds"),
        ("contribution_margin", {}, NotFoundError, "order_lines.unit_cost or products.cost"),
        ("promotion_share", {}, NotFoundError, "promotions or order_lines.promotion_id"),
        ("net_sales", {"by": "gender"}, NotFoundError, "needs customers"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(shop, kpi, arguments, error, says):
    with pytest.raises(error) as caught:
        query_kpi(shop, SETTINGS, kpi, **arguments)
    assert says in caught.value.message


def test_the_whole_catalog_names_what_each_missing_kpi_lacks(shop):
    answers = all_kpis(shop, SETTINGS)
    assert list(answers) == list(KPIS)
    assert isinstance(answers["net_sales"], KpiAnswer)
    visits = answers["visits"]
    assert isinstance(visits, Unavailable)
    assert visits.lacks == ("events",)
    assert "events" in visits.as_record()["unavailable"]
    with pytest.raises(NotFoundError):
        all_kpis(shop, SETTINGS, kpis=["net_sales", "sales"])


def test_a_missing_rate_names_its_day_and_currency(make_tables):
    shop = make_tables(
        {
            "orders": [order("O1", "2024-02-28", currency="JPY"), order("O2", "2024-02-29")],
            "order_lines": [line("L1", "O1", "1000"), line("L2", "O2", "20.00")],
            "exchange_rates": [{"date": "2024-02-27", "currency": "JPY", "rate_to_store": 0.0067}],
        }
    )
    with pytest.raises(InputError, match="JPY on 2024-02-28"):
        query_kpi(shop, SETTINGS, "gross_sales")
    assert query_kpi(shop, SETTINGS, "gross_sales", start=date(2024, 2, 29)).value == 20.0
    assert query_kpi(shop, SETTINGS, "orders").value == 2


def test_a_long_rate_keeps_every_digit(make_tables):
    shop = make_tables(
        {
            "orders": [order("O1", "2024-02-28", currency="JPY")],
            "order_lines": [line("L1", "O1", "10000000")],
            "exchange_rates": [{"date": "2024-02-28", "currency": "JPY", "rate_to_store": 0.006712345678}],
        }
    )
    assert query_kpi(shop, SETTINGS, "gross_sales").value == 67123.4568


def test_an_order_discount_falls_equally_on_lines_that_cost_nothing(make_tables):
    shop = make_tables(
        {
            "orders": [order("O1", "2024-02-28", discount_amount="3.00")],
            "order_lines": [
                line("L1", "O1", "0"),
                line("L2", "O1", "0", product_id="P2", discount_amount="1"),
            ],
        }
    )
    rows = query_kpi(shop, SETTINGS, "discount", by="product").rows
    assert rows == [{"product": "P1", "value": 1.0}, {"product": "P2", "value": 2.0}]


def test_an_order_of_amounts_only_is_a_line_without_product(make_tables):
    amounts = {
        "total_amount": "12.00",
        "tax_amount": "1.50",
        "shipping_amount": "0.50",
        "discount_amount": "2",
    }
    shop = make_tables({"orders": [order("O1", "2024-02-28", **amounts)]})
    assert query_kpi(shop, SETTINGS, "gross_sales").value == 12.0
    assert query_kpi(shop, SETTINGS, "net_sales").value == 10.0


def test_families_hold_each_kpi_once():
    named = [kpi for _, _, kpis in KPI_FAMILIES.values() for kpi in kpis]
    assert sorted(named) == sorted(KPIS)


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda kpi: kpi.id)
def test_each_kpi_explains_itself_in_both_languages(kpi):
    for words in (kpi.words("en"), kpi.words("zh")):
        assert words.name
        assert words.definition
        assert words.meaning
    assert KPIS[kpi.id] is kpi
    assert (kpi.compute is None) != (kpi.read_rows is None)
    assert kpi.read_rows is None or kpi.columns
    assert set(valid_dimensions(kpi)) <= set(DIMENSIONS)


def test_a_customer_asked_for_alone_is_scored_among_all(make_tables):
    orders = [
        order(f"O{n}-{m}", f"2024-01-{n + 1 + m:02d}", customer_id=f"C{n}")
        for n in range(10)
        for m in range(n)
    ]
    shop = make_tables(
        {"orders": orders, "order_lines": [line(o["order_id"], o["order_id"], "5") for o in orders]}
    )
    among_all = {row["customer"]: row for row in query_kpi(shop, SETTINGS, "rfm", by="customer").rows}
    [alone] = query_kpi(shop, SETTINGS, "rfm", by="customer", where="customer=C9").rows
    assert alone == among_all["C9"]
    assert alone["segment"] == "champions"


def test_a_cohort_that_is_gone_has_its_zeros_from_whichever_day_is_asked(make_tables):
    days = {"A": ("2024-01-05", "2024-04-05"), "B": ("2024-02-05",)}
    shop = make_tables(
        {"orders": [order(f"{who}{day}", day, customer_id=who) for who, own in days.items() for day in own]}
    )
    later = query_kpi(shop, SETTINGS, "retention", start=date(2024, 2, 1)).rows
    assert [(row["age"], row["retention"]) for row in later] == [(0, 1.0), (1, 0.0), (2, 0.0)]
    assert later == [
        row for row in query_kpi(shop, SETTINGS, "retention").rows if row["cohort"] == "2024-02-01"
    ]


def test_a_cohort_of_a_channel_is_of_those_it_won(make_tables):
    """Who had bought elsewhere before is no new customer of the channel."""
    shop = make_tables(
        {
            "orders": [
                order("O1", "2024-01-05", customer_id="A", channel="store"),
                order("O2", "2024-02-05", customer_id="A", channel="web"),
                order("O3", "2024-02-06", customer_id="B", channel="web", subtotal_amount=10),
                order("O4", "2024-03-06", customer_id="B", channel="web", subtotal_amount=5),
                order("O5", "2024-03-07", customer_id="B", channel="store", subtotal_amount=90),
            ]
        }
    )
    question = {"where": ["channel=web"]}
    rows = query_kpi(shop, SETTINGS, "retention", **question).rows
    assert [(row["cohort"], row["customers"], row["active_customers"]) for row in rows] == [
        ("2024-02-01", 1, 1),
        ("2024-02-01", 1, 1),
    ]
    assert query_kpi(shop, SETTINGS, "new_customers", period="month", **question).rows[0]["value"] == 1
    [money] = query_kpi(shop, SETTINGS, "lifetime_value", **question).rows
    assert (money["cohort"], money["customers"], money["net_sales"]) == ("2024-02-01", 1, 15.0)


def test_coupons_of_orders_that_count_nowhere_do_not_count(make_tables):
    used = [("R1", "C1", "O1"), ("R2", "C2", "O2"), ("R3", "C3", "O3"), ("R4", "C4", None)]
    shop = make_tables(
        {
            "orders": [
                order("O1", "2024-01-05", is_test=True),
                order("O2", "2024-01-05", status="cancelled"),
                order("O3", "2024-01-05"),
            ],
            "redemptions": [
                {
                    "redemption_id": name,
                    "coupon_code": "X",
                    "campaign_id": "A",
                    "customer_id": customer,
                    "order_id": order_id,
                    "redeemed_at": "2024-01-05T12:00:00Z",
                    "local_date": "2024-01-05",
                }
                for name, customer, order_id in used
            ],
            "audiences": [{"campaign_id": "A", "customer_id": f"C{number}"} for number in range(5)],
        }
    )
    assert query_kpi(shop, SETTINGS, "coupon_redemptions").value == 2
    assert query_kpi(shop, SETTINGS, "coupon_redemption_rate").value == 2 / 5


def test_days_since_the_last_order_count_to_the_last_day_of_the_shop(make_tables):
    shop = make_tables(
        {
            "orders": [
                order("O1", "2024-01-05", subtotal_amount=10),
                order("O2", "2024-01-25", subtotal_amount=10, customer_id=None),
            ]
        }
    )
    [row] = query_kpi(shop, SETTINGS, "rfm", by="customer").rows
    assert row["recency_days"] == 20


def test_a_discount_is_spread_over_what_was_bought(make_tables):
    """Not over what was given back in the same order, which may nearly cancel it."""
    shop = make_tables(
        {
            "orders": [order("O1", "2024-01-05", discount_amount="5.00")],
            "order_lines": [
                line("L1", "O1", "10.00"),
                line("L2", "O1", "-9.99", product_id="P2"),
                line("L3", "O1", "30.00", product_id="P3"),
            ],
        }
    )
    rows = query_kpi(shop, SETTINGS, "discount", by="product").rows
    assert {row["product"]: row["value"] for row in rows} == {"P1": 1.25, "P2": 0.0, "P3": 3.75}
