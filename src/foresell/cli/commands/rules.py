"""`foresell rules`: what recommendations must keep to, with who wanted it and when."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from foresell.predict.recommend.rules.rule import Rule
    from foresell.services.rules import RuleVersion

app = typer.Typer(
    help="Rules that recommendations must keep to: load, list, show, check, clear.", no_args_is_help=True
)

RulesFile = Annotated[Path, typer.Argument(metavar="FILE", help="Rules in TOML; docs/rules.md explains it.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who wants it; kept with the rules.")]
Note = Annotated[str, typer.Option("--note", help="Why; kept with the rules.")]
Language = Annotated[str | None, typer.Option(help="en or zh. Default: the store's.")]


@app.command()
def load(path: RulesFile, by: By, note: Note = "", store: Store = None, as_json: Json = False) -> None:
    """Put the rules of a file in force, in the place of those before."""
    from foresell.services.rules import load_rules

    _say(load_rules(open_given(store), path, by, note), as_json)


@app.command()
def clear(by: By, note: Note = "", store: Store = None, as_json: Json = False) -> None:
    """Take all rules out of force; they stay in the history."""
    from foresell.services.rules import clear_rules

    _say(clear_rules(open_given(store), by, note), as_json)


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """The rules in force."""
    from foresell.cli.output import print_json, print_table, print_text
    from foresell.services.rules import current_rules

    version, rules = current_rules(open_given(store))
    records = [_record(rule) for rule in rules]
    if as_json:
        print_json({"version": version, "rules": records})
        return
    if records:
        print_text(f"Version {version}")
    shown = ("name", "kind", "options", "selection", "surfaces", "from", "until", "dates", "priority")
    rows = [{name: record[name] or None for name in shown} for record in records]
    print_table(rows, empty="No rules are in force.")


@app.command()
def show(
    version: Annotated[int | None, typer.Option(min=1, help="Default: the one in force.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """A version of the rules, as it was loaded."""
    from foresell.cli.output import print_json, print_note, print_text
    from foresell.services.rules import show_rules

    found = show_rules(open_given(store), version)
    if as_json:
        print_json({**found.as_record(), "text": found.text})
        return
    print_note(_sentence(found))
    print_text(found.text)


@app.command()
def history(store: Store = None, as_json: Json = False) -> None:
    """Every version: who loaded it, when and why."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.rules import history as versions

    records = [version.as_record() for version in versions(open_given(store))]
    if as_json:
        print_json({"versions": records})
        return
    print_table(records, empty="This shop never had rules.")


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Rules in TOML. Default: those in force.")
    ] = None,
    language: Language = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Say how many products each rule touches, and what looks like a mistake; nothing is changed."""
    from foresell.cli.output import print_json, print_note, print_table
    from foresell.services.report import read_language
    from foresell.services.rules import check_rules

    chosen = read_language(language)
    shop = open_given(store)
    chosen = chosen or shop.settings.store.language
    records = [touch.as_record(chosen) for touch in check_rules(shop, path)]
    if as_json:
        print_json({"rules": records})
        return
    rows = [{key: record[key] for key in ("name", "kind", "num_products")} for record in records]
    print_table(rows, empty="There is no rule to check.")
    for record in records:
        warnings = record["warnings"]
        for warning in warnings if isinstance(warnings, list) else []:
            print_note(f"{record['name']}: {warning}")


@app.command()
def kinds(language: Language = None, as_json: Json = False) -> None:
    """The kinds of rules there are."""
    from foresell.cli.output import print_json, print_table
    from foresell.predict.recommend.rules import RULES, load_kind
    from foresell.services.report import read_language

    chosen = read_language(language) or "en"
    records = [{"kind": name, "what it does": load_kind(name).meaning.in_language(chosen)} for name in RULES]
    if as_json:
        print_json({"kinds": records})
        return
    print_table(records)


def _record(rule: "Rule") -> dict[str, object]:
    """A rule as it is written; JSON-ready."""
    return {
        "name": rule.name,
        "kind": rule.kind,
        "options": rule.options.model_dump(mode="json", exclude_none=True),
        "selection": rule.selection.model_dump(mode="json", exclude_none=True) if rule.selection else {},
        "surfaces": list(rule.surfaces),
        "from": rule.begins.isoformat() if rule.begins else None,
        "until": rule.ends.isoformat() if rule.ends else None,
        "dates": [day.isoformat() for day in rule.dates],
        "priority": rule.priority,
    }


def _say(version: "RuleVersion", as_json: bool) -> None:
    from foresell.cli.output import print_json, print_text

    if as_json:
        print_json(version.as_record())
        return
    print_text(_sentence(version))


def _sentence(version: "RuleVersion") -> str:
    note = f": {version.note}" if version.note else ""
    state = "in force" if version.is_in_force else "superseded"
    return (
        f"Version {version.version} of the rules ({version.num_rules} rules, {state}), "
        f"by {version.made_by} at {version.made_at:%Y-%m-%d %H:%M} UTC{note}"
    )
