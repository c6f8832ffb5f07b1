"""A task as a user writes it in TOML: sections and keys with their meaning, read as settings are."""

from typing import Literal

from pydantic import Field

from foresell.contracts.section import Section

About = Literal["customer", "session"]
LabelKind = Literal["order", "no_order", "event", "no_event", "amount", "days_to_order", "return"]
Metric = Literal["", "log_loss", "brier", "auroc", "aupr", "mae", "rmse", "gini", "rank_correlation"]


class TaskSection(Section):
    name: str = Field("", description="Name of the task: lower case letters, digits and _.")
    about: About = Field("customer", description="What is scored: customer, or session (a visit so far).")
    horizon_days: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="How far ahead the label looks, from the cutoff; 0: suggested by the data.",
    )
    metric: Metric = Field(
        "", description="The score that chooses the model; empty: log_loss, of amounts rmse."
    )
    text: str = Field("", description="What is asked, in words.")
    text_zh: str = Field("", description="The same in Chinese.")


class PopulationSection(Section):
    """Whom the task is about, told from what was before the cutoff."""

    min_orders: int = Field(0, ge=0, description="Customers with at least so many orders ...")
    within_days: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="... in so many days before the cutoff; 0: ever."
    )
    event: str = Field("", description="Sessions in which this event has happened, such as add_to_cart.")
    min_events: int = Field(1, ge=1, description="Sessions of at least so many events so far.")
    ends_days: float = Field(
        0.0, allow_inf_nan=False, description="The window's end in days from the cutoff: 0, or less."
    )


class LabelSection(Section):
    kind: LabelKind = Field(
        "order",
        description="order, no_order, event, no_event, return: whether it happens (1) or not (0); "
        "amount: money spent; days_to_order: days until the next order, at most the horizon.",
    )
    product: str = Field("", description="Only orders with this product_id; one of these four at most.")
    category: str = Field("", description="Only orders with something of this category.")
    department: str = Field("", description="... of this department.")
    brand: str = Field("", description="... of this brand.")
    event: str = Field("", description="Of kind event or no_event: which one, such as purchase.")
    begins_days: float = Field(
        0.0, allow_inf_nan=False, description="The window's beginning in days from the cutoff: 0, or more."
    )


class FeaturesSection(Section):
    ends_days: float = Field(
        0.0,
        allow_inf_nan=False,
        description="Features are those known so many days from the cutoff: 0, or less.",
    )
    only: tuple[str, ...] = Field((), description="Only these features; empty: all.")
    without: tuple[str, ...] = Field((), description="Not these features.")


class CostsSection(Section):
    """Money; all 0: no threshold is chosen."""

    false_positive: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Acted on, and it would not have happened."
    )
    false_negative: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Not acted on, and it happened."
    )
    action: float = Field(0.0, ge=0, allow_inf_nan=False, description="Each action, whatever comes of it.")


class FairnessSection(Section):
    groups: tuple[str, ...] = Field(
        ("age_band", "gender", "income_band", "country"),
        description="Columns of customers by which fairness is judged; never features.",
    )


class Declaration(Section):
    task: TaskSection = TaskSection()
    population: PopulationSection = PopulationSection()
    label: LabelSection = LabelSection()
    features: FeaturesSection = FeaturesSection()
    costs: CostsSection = CostsSection()
    fairness: FairnessSection = FairnessSection()
