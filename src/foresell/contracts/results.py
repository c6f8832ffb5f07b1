"""The tables that models and matching write.

Those of models carry the model that wrote them, and no history. Those of matching (links) are believed
from `recorded_at` to `superseded_at` as sources' rows are, so that a run can be undone to the same rows.
"""

from foresell.contracts.columns import day, flag, identifier, json_text, moment, real, text, vector, whole
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
    "What will be sold: mean, median and intervals, a row a series and period.",
    key=("series_id", "model", "cutoff_date", "date"),
    own_columns=(
        text("series_id", "its values of the dimensions, joined by |"),
        text("model", "name/version"),
        day("cutoff_date", "last day the model knew"),
        day("date", "first local day of the period"),
        text("series_by", "the dimensions, joined by a comma; shop: the whole shop is one series"),
        text("period", "day, week, month"),
        text("measure", "net_sales, units"),
        real("mean", required=True),
        real("median"),
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

embeddings = Table(
    "embeddings",
    "What a behavior model makes of a customer, product or session: a vector.",
    key=("entity_type", "entity_id", "model", "made_at"),
    own_columns=(
        text("entity_type", "customer, product, session"),
        text("entity_id", "of a customer also: the visitor or session that is nobody's yet"),
        text("model", "name/version; vectors of one model only can be compared"),
        moment("made_at", "when it was computed; the same for all of one computation"),
        moment("cutoff_at", "only what was before it is in it; null: all that was known at made_at"),
        vector("vector", "a direction is a taste: compare by cosine", required=True),
    ),
    has_lineage=False,
)
# Whose id it is, by entity_type; erasing a customer erases the rows of all these kinds.
ENTITY_KINDS: dict[str, tuple[str, ...]] = {
    "customer": ("customer_id", "anonymous_id", "session_id"),
    "product": (),
    "session": ("session_id",),
}

customer_links = Table(
    "customer_links",
    "Which customer id, visitor or session is which person: rooms count a person once by it.",
    key=("link_id",),
    own_columns=(
        text("link_id", "run id and number"),
        identifier("customer_id", "the id that is another's; null for a visitor or session"),
        identifier("anonymous_id", "the visitor, without a customer, that is linked"),
        identifier("session_id", "the session that is linked"),
        identifier(
            "person_id", "the customer id that stands for the person", kind="customer_id", required=True
        ),
        moment("begins_at", "of a shared device: linked from then on; null: always"),
        moment("ends_at", "… and until then, exclusive; null: for good"),
        real("confidence", "0-1; 1 for identifiers that are equal"),
        text("method", "identifier, probability, visitor, session, login"),
        identifier("through_id", "the customer id that the evidence ties it to", kind="customer_id"),
        text("id_type", "the kind of identifier that both have"),
        identifier("id_token", "that identifier's token"),
        json_text("evidence", "what agreed and what not, with weights; never an identifier"),
        moment("known_at", "when the evidence was there in the world; null: always"),
    ),
)

order_links = Table(
    "order_links",
    "Orders that are another source's copy of an order: rooms count the other one only.",
    key=("link_id",),
    own_columns=(
        text("link_id", "run id and number"),
        identifier("order_id", "the copy, which counts nowhere", required=True),
        identifier("kept_order_id", "the order that counts", kind="order_id", required=True),
        real("confidence", "0-1; 1 for numbers that are equal"),
        text("method", "number, likeness"),
        json_text("evidence", "what agreed, with scores"),
        moment("known_at", "when both were there in the world"),
    ),
)

served = Table(
    "served",
    "Every product that was recommended to somebody: what was shown, where, why, and with what chance.",
    key=("served_id",),
    time_column="served_at",
    own_columns=(
        text("served_id", "request id and rank"),
        text("request_id", "of one answer", required=True),
        moment("served_at", required=True),
        text("surface", "where it was shown", required=True),
        identifier("customer_id", "null: nobody known"),
        text("product_id", required=True),
        whole("rank", "from 1", required=True),
        real("score", "higher is better; comparable within one answer only"),
        real("propensity", "its chance to stand at its rank, given what stands before it", required=True),
        text("policy", "how chance came in: none, epsilon:RATE, thompson", required=True),
        text("model", "name/version"),
        whole("rules_version", "0: there were no rules"),
        text("reason_code"),
        text("because_product_id", "the product that the reason names"),
        text("seed", "a whole number: what chance was drawn from"),
        whole("k", "how many products were asked for"),
        text("experiment_id", "null: none ran for this customer"),
        text("variant", "of that experiment"),
    ),
    has_lineage=False,
)

experiment_exposures = Table(
    "experiment_exposures",
    "Who was shown which variant of an experiment; the first of each customer reaches `exposures`.",
    key=("exposure_id",),
    time_column="occurred_at",
    own_columns=(
        text("exposure_id", "keyed hash of experiment and customer"),
        moment("occurred_at", required=True),
        text("experiment_id", required=True),
        text("variant", required=True),
        identifier("customer_id", required=True),
        text("policy", "what answers in the variant"),
        real("propensity", "share of the variant among those who take part", required=True),
    ),
    has_lineage=False,
)
# Tables that many processes append to: they lie in `logs/`, not among the Delta tables.
LOGS: dict[str, Table] = {table.name: table for table in (served, experiment_exposures)}

scores = Table(
    "scores",
    "What a model expects of a customer: a chance, an amount or a date, and whether to act on it.",
    key=("task", "customer_id", "model"),
    own_columns=(
        text("task", "churn, will_buy_category, value, … or a task of the shop's own"),
        identifier("customer_id"),
        text("model", "name/version"),
        real("score", "a probability, an amount, or days: by `unit`", required=True),
        text("unit", "probability, a currency, days, …", required=True),
        real("lower", "of the 80% interval; null: none is given"),
        real("upper", "of the 80% interval"),
        flag("is_chosen", "whether acting on it is worth its cost; null: no costs are declared"),
        json_text("reasons", "features and what each adds, the largest first; of worth: its other figures"),
        moment("cutoff_at", "only what was before it is in it", required=True),
        real("horizon_days", "how far ahead it looks; null: no end"),
        moment("made_at", required=True),
    ),
    has_lineage=False,
)

segments = Table(
    "segments",
    "Which segment a customer is in, by each segmentation.",
    key=("segmentation", "customer_id"),
    own_columns=(
        text("segmentation", "rfm, features, behavior, autoencoder, or a rule's name"),
        identifier("customer_id"),
        text("segment", "its name", required=True),
        text("model", "name/version; null: by a rule"),
        real("confidence", "0-1: how much nearer to it than to the next; null: by a rule"),
        moment("cutoff_at", required=True),
        moment("made_at", required=True),
    ),
    has_lineage=False,
)

profiles = Table(
    "profiles",
    "What is said of a customer: tags, each with its evidence.",
    key=("customer_id", "tag"),
    own_columns=(
        identifier("customer_id"),
        text("tag", "name of the tag, such as price_level, favorite_category, rhythm"),
        text("value", "such as high, SNACKS, weekly", required=True),
        real("confidence", "0-1", required=True),
        json_text("evidence", "the figures that it rests on"),
        moment("cutoff_at", required=True),
        moment("made_at", required=True),
    ),
    has_lineage=False,
)

kpi_values = Table(
    "kpi_values",
    "Every KPI of the whole shop by day, week and month, as `foresell refresh` found it.",
    key=("kpi", "period", "date"),
    own_columns=(
        text("kpi"),
        text("period", "day, week, month"),
        day("date", "first local day of the period"),
        real("value", "null where it is undefined"),
        text("unit", "a currency for money", required=True),
        moment("made_at", required=True),
    ),
    has_lineage=False,
)

RESULTS: dict[str, Table] = {
    table.name: table
    for table in (
        recommendations,
        forecasts,
        leaderboard,
        embeddings,
        customer_links,
        order_links,
        served,
        experiment_exposures,
        scores,
        segments,
        profiles,
        kpi_values,
    )
}
