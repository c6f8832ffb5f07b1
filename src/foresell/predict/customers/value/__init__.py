"""What a customer will be worth: what they will order or spend in the days ahead, with an interval.

    order_days → summarize → value_examples       a shop's tables, as of cutoffs (`summary`, `examples`)
    VALUE_MODELS[name].fit(examples, config)      learns; `current`: rows of now, for what needs no labels
    fitted.outlook(features)                      OUTLOOK: mean, median, 80% interval, chance to be alive

`shop.fit_shop_value` does all of it; `backtest.backtest` judges and chooses;
`scores.score_rows` makes rows of the table `scores`. `fit_bg_nbd` and `fit_gamma_gamma`, each in its file,
are the published models on plain arrays.
"""

from typing import TYPE_CHECKING

from foresell.predict.entries import load_entry

if TYPE_CHECKING:
    from foresell.predict.customers.value.model import ValueModel

# Name → the module whose MODEL it is; loaded on use. The name is also the kind of its artifacts.
VALUE_MODELS: dict[str, str] = {
    "last_period": "foresell.predict.customers.value.last_period",
    "mean_frequency": "foresell.predict.customers.value.mean_frequency",
    "bg_nbd": "foresell.predict.customers.value.buying",
    "trees": "foresell.predict.customers.value.learned",
    "corrected": "foresell.predict.customers.value.corrected",
}
BASELINES = ("last_period", "mean_frequency")
# Model → the library it takes, of the extra `trees`.
NEEDS = {"trees": "lightgbm", "corrected": "lightgbm"}


def load_model(name: str) -> "ValueModel":
    """The model of that name; NotFoundError names the valid ones."""
    model: ValueModel = load_entry(VALUE_MODELS, name, "model of value")
    return model
