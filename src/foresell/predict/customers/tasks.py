"""The tasks that are built in."""

from foresell.evaluation.money import Costs
from foresell.predict.customers.declaration import LabelSection, PopulationSection
from foresell.predict.customers.task import Task

ACTIVE = PopulationSection(min_orders=1, within_days=180)

# What errors cost is a guess of proportions until a shop declares its own: a message costs little against a
# customer or an order that is lost.
TASKS: dict[str, Task] = {
    "churn": Task(
        "churn",
        "will the customer order nothing more within the horizon",
        "顾客在预测期内是否不再下单",
        "customer",
        0.0,
        LabelSection(kind="no_order"),
        PopulationSection(min_orders=2, within_days=180),
        costs=Costs(false_positive=1.0, false_negative=5.0),
    ),
    "purchase_intent": Task(
        "purchase_intent",
        "will this visit end in an order",
        "本次访问是否会下单",
        "session",
        1.0,
        LabelSection(kind="event", event="purchase"),
        PopulationSection(min_events=1),
        metric="aupr",
        costs=Costs(false_positive=1.0, false_negative=10.0),
    ),
    "cart_abandonment": Task(
        "cart_abandonment",
        "will this visit's cart be left without an order",
        "本次访问的购物车是否会被放弃",
        "session",
        1.0,
        LabelSection(kind="no_event", event="purchase"),
        PopulationSection(event="add_to_cart"),
        costs=Costs(false_positive=1.0, false_negative=5.0),
    ),
    "will_buy_category": Task(
        "will_buy_category",
        "will the customer buy from the category within the horizon",
        "顾客在预测期内是否会购买该品类",
        "customer",
        30.0,
        LabelSection(kind="order"),
        ACTIVE,
        costs=Costs(false_positive=1.0, false_negative=4.0),
        open_focus="category",
    ),
    "will_buy_product": Task(
        "will_buy_product",
        "will the customer buy the product within the horizon",
        "顾客在预测期内是否会购买该商品",
        "customer",
        30.0,
        LabelSection(kind="order"),
        ACTIVE,
        costs=Costs(false_positive=1.0, false_negative=4.0),
        open_focus="product",
    ),
    "next_order_date": Task(
        "next_order_date",
        "in how many days will the customer order next",
        "顾客下次下单还有多少天",
        "customer",
        0.0,
        LabelSection(kind="days_to_order"),
        ACTIVE,
        metric="mae",
    ),
    "order_value": Task(
        "order_value",
        "how much will the customer spend within the horizon",
        "顾客在预测期内会消费多少",
        "customer",
        30.0,
        LabelSection(kind="amount"),
        ACTIVE,
        metric="rmse",
    ),
    "return_risk": Task(
        "return_risk",
        "will the customer return something within the horizon",
        "顾客在预测期内是否会退货",
        "customer",
        30.0,
        LabelSection(kind="return"),
        ACTIVE,
        costs=Costs(false_positive=1.0, false_negative=3.0),
    ),
}
