"""`foresell repair`: wrong cells and rows put right by named rules, and back."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from foresell.services.repair_records import RepairOutcome, RuleOutcome

app = typer.Typer(
    help="Repair what is wrong, by the rules of foresell.toml; list, show and undo what was repaired."
)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run of `foresell repair list`.")]


@app.callback(invoke_without_command=True)
def repair(
    context: typer.Context,
    rules: Annotated[
        list[str] | None,
        typer.Option("--rule", help="A rule in the place of those of the settings; may be given again."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; show what each rule would change in the KPIs.")
    ] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Apply the rules in their order, each as a run that can be undone."""
    if context.invoked_subcommand is not None:
        return
    from foresell.cli.output import print_json, print_note, progress_bar
    from foresell.services.repair import repair_tables

    shop = open_given(store)
    with progress_bar() as progress:
        outcome = repair_tables(shop, rules or None, dry_run, progress)
    if as_json:
        print_json(outcome.as_record())
        return
    if not outcome.repairs:
        print_note(
            "No rule is given. Write rules into [repair] in foresell.toml, or give --rule "
            '"products.price: median by category"; `foresell repair kinds` lists the repairs.'
        )
        return
    _print(outcome)


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """Every repair that was done, oldest first."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.repair_log import list_repairs

    records = [run.as_record() for run in list_repairs(open_given(store))]
    if as_json:
        print_json({"repairs": records})
        return
    print_table(records, empty="Nothing was repaired.")


@app.command()
def show(
    run_id: RunId,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What a repair changed: each row with its old and new values, and why."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.repair_log import show_repair

    records = [example.as_record() for example in show_repair(open_given(store), run_id, limit)]
    if as_json:
        print_json({"run_id": run_id, "rows": records})
        return
    print_table(records, empty="Its rows were erased.")


@app.command()
def undo(run_id: RunId, store: Store = None, as_json: Json = False) -> None:
    """Give back exactly the rows that there would be without the repair."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.repair_log import undo_repair

    shop = open_given(store)
    with progress_bar() as progress:
        undone = undo_repair(shop, run_id, progress)
    if as_json:
        print_json(undone.as_record())
        return
    print_text(f"Undone: {undone.rule} ({undone.num_applied:,} rows).")
    if undone.rule in shop.settings.repair.rules:
        print_text("The rule waits from now on: it is applied again only when you run `foresell repair`.")


@app.command()
def kinds(as_json: Json = False) -> None:
    """The repairs there are."""
    from foresell.cli.output import print_json, print_table
    from foresell.quality.repair import REPAIRS

    records = [{"repair": name, "a wrong value becomes": kind.meaning} for name, kind in REPAIRS.items()]
    if as_json:
        print_json({"repairs": records})
        return
    print_table(records)


def _print(outcome: "RepairOutcome") -> None:
    from foresell.cli.output import print_table, print_text

    verb = "would change" if outcome.is_dry_run else "changed"
    for repair in outcome.repairs:
        rows = ", ".join(f"{count:,} rows of {table}" for table, count in repair.rows.items())
        run = f" (run {repair.run_id})" if repair.run_id else ""
        print_text(f"{repair.rule}\n  {verb} {rows or 'nothing'}{run}")
        _print_examples(repair)
        if repair.kpis:
            print_table([_rounded(change.as_record()) for change in repair.kpis])
        print_text("")
    if outcome.is_dry_run and len(outcome.repairs) > 1 and outcome.kpis:
        print_text("All rules together")
        print_table([_rounded(change.as_record()) for change in outcome.kpis])
    if outcome.is_dry_run:
        print_text("Nothing was changed.")


def _print_examples(repair: "RuleOutcome") -> None:
    from foresell.cli.output import format_value, print_text

    for example in repair.examples:
        record = example.as_record()
        key = " ".join(str(value) for value in example.key.values())
        old, new = record["old"], record["new"]
        ends = "dropped" if example.action == "drop" else format_value(new)
        print_text(f"    {key}: {format_value(old)} → {ends}; {example.evidence}")


def _rounded(record: dict[str, object]) -> dict[str, object]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in record.items()}
