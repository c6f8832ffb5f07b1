"""How the built-in features are said in a sentence, where their plain name reads like a table."""

from foresell.explain.reason_text import Phrase
from foresell.features.feature import Feature

# The behavior model's vector of a customer: no number that could be told.
BEHAVIOR_SO_FAR = Feature(
    "behavior_vector", "what the customer did, one thing after another", "顾客先后做过的事", "share"
)
PHRASES: dict[str, Phrase] = {
    "days_since_order": Phrase(
        "No order for {value}, usually every {gap_mean}", "已有 {value}未下单，通常每 {gap_mean}一次", least=1
    ),
    "days_since_first_order": Phrase("A customer for {value}", "成为顾客已 {value}", least=1),
    BEHAVIOR_SO_FAR.name: Phrase("What the customer did, one thing after another", BEHAVIOR_SO_FAR.text_zh),
}
