"""`foresell fairness`: how a task's model treats groups of people."""

from typing import Annotated

import typer

from foresell.cli.commands.predict import Of
from foresell.cli.options import Json, Store, open_given


def fairness(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task that was fitted, such as churn.")],
    of: Of = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Whom the model chooses, finds and bothers, by age, gender, income and place, with intervals."""
    from foresell.cli.output import print_json, print_table, print_text, rounded
    from foresell.services.customers.explain import fairness_of

    shop = open_given(store)
    record = fairness_of(shop, task, of)
    if as_json:
        print_json(record)
        return
    zh = shop.settings.store.language == "zh"
    for finding in record["findings"]:
        print_text(f"{finding['severity']}: {finding['message_zh' if zh else 'message']}")
    if not record["findings"]:
        print_text("No gap between groups is surely wider than its limit.")
    shown = ("attribute", "group", "measure", "num_people", "value", "gap", "gap_lower", "gap_upper")
    rows = [{name: rounded(row[name]) for name in shown} for row in record["rows"] if not row["is_small"]]
    print_table(rows)
