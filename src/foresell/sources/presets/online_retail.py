"""UCI Online Retail: the invoices of a British web shop, December 2010 to December 2011.

Invoices that begin with C are cancellations and become refunds. Identical rows are one line recorded twice;
rows that share invoice and stock code but differ are lines of their own, numbered as they first appear.
"""

from foresell.sources.mapping import Field, Mapping, Rule, Target
from foresell.sources.presets.preset import Preset

COLUMNS = "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country"
ALL_COLUMNS = ", ".join(f'"{name}"' for name in COLUMNS.split())
QUANTITY = 'TRY_CAST("Quantity" AS DOUBLE)'
UNIT_PRICE = 'TRY_CAST("UnitPrice" AS DECIMAL(18,4))'

# `_title`: of rows that are sales if there are any, since stock corrections describe what went wrong instead.
PREPARE = f"""
    SELECT * EXCLUDE (_first),
      CAST(dense_rank() OVER (PARTITION BY "InvoiceNo", "StockCode" ORDER BY _first) AS VARCHAR)
        AS _occurrence,
      first_value("Description" IGNORE NULLS) OVER (
        PARTITION BY "StockCode"
        ORDER BY coalesce({QUANTITY} > 0 AND {UNIT_PRICE} > 0, false) DESC, _row_number
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS _title
    FROM (SELECT *, min(_row_number) OVER (PARTITION BY {ALL_COLUMNS}) AS _first FROM {{raw}})
"""

IS_CANCELLATION = "coalesce(starts_with(upper(trim(CAST(\"InvoiceNo\" AS VARCHAR))), 'C'), false)"
# Postage, fees, samples, discounts and corrections by hand.
SERVICE_CODES = "('POST', 'DOT', 'C2', 'M', 'D', 'S', 'B', 'BANK CHARGES', 'AMAZONFEE', 'CRUK')"


def _column(name: str) -> Field:
    return Field(columns=(name,))


# A spreadsheet's export writes 17850.0 where some ids are missing.
CUSTOMER = Field(
    columns=("CustomerID",),
    sql="regexp_replace(trim(CAST(\"CustomerID\" AS VARCHAR)), '\\.0$', '')",
)
MOMENT = Field(columns=("InvoiceDate",), formats=("%m/%d/%Y %H:%M", "%m/%d/%y %H:%M"))
LINE_KEY = Field(columns=("InvoiceNo", "StockCode", "_occurrence"))

NEGATIVE_PRICE = Rule(
    "negative_price",
    "UnitPrice",
    f"{UNIT_PRICE} < 0",
    "'UnitPrice' is negative: a correction of the books, no sale",
)

ORDER_LINES = Target(
    "order_lines",
    {
        "order_line_id": LINE_KEY,
        "order_id": _column("InvoiceNo"),
        "product_id": _column("StockCode"),
        "quantity": _column("Quantity"),
        "unit_price": _column("UnitPrice"),
        "line_amount": Field(columns=("Quantity", "UnitPrice"), sql="{quantity} * {unit_price}"),
    },
    is_primary=True,
    when=f"NOT {IS_CANCELLATION}",
    rules=(
        Rule(
            "negative_quantity",
            "Quantity",
            "{quantity} < 0",
            "'Quantity' is negative outside a cancellation: a stock adjustment, no sale",
        ),
        NEGATIVE_PRICE,
    ),
)
REFUNDS = Target(
    "refunds",
    {
        "refund_id": LINE_KEY,
        "customer_id": CUSTOMER,
        "product_id": _column("StockCode"),
        "created_at": MOMENT,
        "quantity": Field(columns=("Quantity",), sql=f"-{QUANTITY}"),
        "amount": Field(columns=("Quantity", "UnitPrice"), sql=f"-{QUANTITY} * {UNIT_PRICE}"),
        "currency": Field(value="GBP"),
    },
    is_primary=True,
    when=IS_CANCELLATION,
    rules=(
        Rule(
            "positive_quantity",
            "Quantity",
            f"{QUANTITY} > 0",
            "'Quantity' is positive in a cancellation: nothing comes back",
        ),
        NEGATIVE_PRICE,
    ),
)
ORDERS = Target(
    "orders",
    {
        "order_id": _column("InvoiceNo"),
        "customer_id": CUSTOMER,
        "channel": Field(value="web"),
        "created_at": MOMENT,
        "status": Field(value="completed"),
        "currency": Field(value="GBP"),
        "billing_country": _column("Country"),
    },
    when=f"NOT {IS_CANCELLATION}",
    is_one_per_key=True,
)
PRODUCTS = Target(
    "products",
    {
        "product_id": _column("StockCode"),
        "title": _column("_title"),
        "is_service": Field(columns=("StockCode",), sql=f'upper(trim("StockCode")) IN {SERVICE_CODES}'),
    },
    is_one_per_key=True,
)
CUSTOMERS = Target("customers", {"customer_id": CUSTOMER, "country": _column("Country")}, is_one_per_key=True)

ONLINE_RETAIL = Preset(
    "online_retail",
    "UCI Online Retail: the invoices of a British web shop, 2010–2011",
    {
        "online_retail": Mapping(
            "online_retail",
            (ORDER_LINES, REFUNDS, ORDERS, PRODUCTS, CUSTOMERS),
            time_zone="Europe/London",
            currency="GBP",
            prepare=PREPARE,
        )
    },
)
