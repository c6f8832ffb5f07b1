"""The tables that models write. They carry the model that wrote them, and no bitemporal history."""

from foresell.contracts.columns import day, identifier, moment, real, text, whole
from foresell.contracts.tables import Table

recommendations = Table(
    "recommendations",
    "Products ranked for a customer by one model at one time.",
    key=("customer_id", "model", "rank"),
    own_columns=(
        identifier("customer_id"),
        text("model", "name/version"),
        whole("rank", "from 1"),
        text("product_id", required=True),
        real("score", "higher is better; comparable within one model only"),
        text("reason", "in words a shopper can read"),
        moment("made_at", required=True),
    ),
    has_lineage=False,
)

forecasts = Table(
    "forecasts",
    "What will be sold: mean and intervals, a row a series and period.",
    key=("series_id", "model", "cutoff_date", "date"),
    own_columns=(
        text("series_id"),
        text("model", "name/version"),
        day("cutoff_date", "last day the model knew"),
        day("date", "first local day of the period"),
        real("mean", required=True),
        real("lower_80"),
        real("upper_80"),
        real("lower_95"),
        real("upper_95"),
    ),
    has_lineage=False,
)

leaderboard = Table(
    "leaderboard",
    "How each model did on held-out time, a row a task, model, split and score.",
    key=("task", "model", "split", "score"),
    own_columns=(
        text("task", "recommend, forecast"),
        text("model"),
        text("split", "validation, test"),
        text("score", "recall@10, mase, …"),
        real("value", required=True),
        real("lower", "of the 95% interval"),
        real("upper", "of the 95% interval"),
        real("fit_seconds"),
        real("predict_seconds"),
        text("note", "what else a reader must know: repeats included, …"),
        moment("made_at", required=True),
    ),
    has_lineage=False,
)

RESULTS: dict[str, Table] = {table.name: table for table in (recommendations, forecasts, leaderboard)}
