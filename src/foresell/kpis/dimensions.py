"""What KPIs can be split by, and the grain at which each dimension has one value a row."""

from dataclasses import dataclass
from typing import Literal

Grain = Literal["product", "order", "customer", "visit", "list", "coupon", "campaign"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension and where its value stands.

    `columns`: the column a grain's rows carry it in. `table`: the table that holds it, joined
    many-to-one on that table's key (None: the fact's own column).
    """

    id: str
    title: str
    title_zh: str
    columns: dict[Grain, str]
    table: str | None = None

    @property
    def grains(self) -> frozenset[Grain]:
        return frozenset(self.columns)


DIMENSIONS: dict[str, Dimension] = {
    "product": Dimension("product", "Product", "商品", {"product": "product_id"}),
    "department": Dimension("department", "Department", "部门", {"product": "department"}, "products"),
    "category": Dimension("category", "Category", "品类", {"product": "category"}, "products"),
    "brand": Dimension("brand", "Brand", "品牌", {"product": "brand"}, "products"),
    "location": Dimension("location", "Location", "门店", {"order": "location_id", "visit": "location_id"}),
    "country": Dimension("country", "Country", "国家", {"order": "country", "visit": "country"}),
    "channel": Dimension("channel", "Sales channel", "销售渠道", {"order": "channel"}),
    "status": Dimension("status", "Order status", "订单状态", {"order": "status"}),
    "currency": Dimension("currency", "Currency of the order", "订单币种", {"order": "currency"}),
    "payment_method": Dimension("payment_method", "Payment method", "支付方式", {"order": "payment_method"}),
    "customer": Dimension("customer", "Customer", "顾客", {"customer": "customer_id"}),
    "gender": Dimension("gender", "Gender", "性别", {"customer": "gender"}, "customers"),
    "age_band": Dimension("age_band", "Age", "年龄段", {"customer": "age_band"}, "customers"),
    "income_band": Dimension("income_band", "Income", "收入段", {"customer": "income_band"}, "customers"),
    "household": Dimension("household", "Household", "家庭", {"customer": "household"}, "customers"),
    "city": Dimension("city", "City", "城市", {"customer": "city"}, "customers"),
    "device_type": Dimension("device_type", "Device", "设备", {"visit": "device_type"}),
    "platform": Dimension("platform", "Platform", "平台", {"visit": "platform"}),
    "utm_source": Dimension("utm_source", "Traffic source", "流量来源", {"visit": "utm_source"}),
    "utm_medium": Dimension("utm_medium", "Traffic medium", "流量媒介", {"visit": "utm_medium"}),
    "utm_campaign": Dimension("utm_campaign", "Traffic campaign", "流量活动", {"visit": "utm_campaign"}),
    "list": Dimension("list", "Product list", "商品列表", {"list": "list_id"}),
    "coupon": Dimension("coupon", "Coupon", "优惠券", {"coupon": "coupon_code"}),
    "campaign": Dimension("campaign", "Campaign", "营销活动", {"campaign": "campaign_id"}),
}
