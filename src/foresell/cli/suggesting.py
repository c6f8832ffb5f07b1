"""`foresell import FILE --suggest`: the proposal shown, questions asked on a terminal, the mapping saved."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.cli.output import print_json, print_note, print_table, print_text
from foresell.contracts.errors import ConflictError, InputError

if TYPE_CHECKING:
    from foresell.services.suggest import Suggestion
    from foresell.sources.staging import ReadOptions
    from foresell.sources.suggest.proposal import Question

NO_USE = "of no use"
SHOWN_SAMPLES = 3
LONGEST_SAMPLE = 30


def suggest(
    path: Path | None, options: "ReadOptions", *, table: str | None, save: Path | None, as_json: bool
) -> None:
    """Print the proposal; with `save`, write its mapping (never over another file)."""
    from foresell.services.suggest import suggest_mapping

    if path is None:
        raise InputError("There is no file to look at", do="Write: foresell import FILE --suggest")
    if save is not None and save.exists():
        raise ConflictError(f"{save} is there already", do="Name another file with --save, or remove it.")
    suggestion = suggest_mapping(path, options, table=table)
    if not as_json and sys.stdin.isatty() and sys.stdout.isatty():
        answers = _ask(suggestion)
        if answers:
            suggestion = suggest_mapping(path, options, table=table, answers=answers)
    if save is not None:
        save.write_text(suggestion.mapping_toml, encoding="utf-8")
    if as_json:
        print_json(suggestion.as_record() | {"saved": None if save is None else str(save)})
        return
    _show(suggestion, path, save)


def _show(suggestion: "Suggestion", path: Path, save: Path | None) -> None:
    print_text(f"{suggestion.file}: {suggestion.table} ({suggestion.confidence:.0%})\n")
    print_table(
        [
            {
                "column": column.column,
                "is": f"? {column.target or ''}".strip() if column.is_asked else column.target or "–",
                "confidence": f"{column.confidence:.0%}",
                "because": "; ".join(column.reasons),
            }
            for column in suggestion.columns
        ]
    )
    if suggestion.preview:
        print_text(f"\nThe first rows as {suggestion.table} (identifiers masked):\n")
        own = f"{suggestion.table}."
        print_table([{n.removeprefix(own): v for n, v in row.items()} for row in suggestion.preview])
        print_text(f"\n{suggestion.num_usable:,} of {suggestion.num_rows:,} rows looked at can be used.")
    for fault, count in suggestion.faults.items():
        print_text(f"  {count:,}: {fault}")
    for number, question in enumerate(suggestion.questions, 1):
        print_text(f"\nQuestion {number}: {question.text}{_samples(question)}")
    print_text("\n" + _next_step(suggestion, path, save))


def _samples(question: "Question") -> str:
    cut = [sample[:LONGEST_SAMPLE] for sample in question.samples[:SHOWN_SAMPLES]]
    return f" (such as {', '.join(cut)})" if cut else ""


def _next_step(suggestion: "Suggestion", path: Path, save: Path | None) -> str:
    file = shlex.quote(str(path))
    if save is None:
        name = shlex.quote(f"{path.name.split('.')[0]}.toml")
        return f"Keep it: foresell import {file} --suggest --save {name}"
    command = f"foresell import {file} --mapping {shlex.quote(str(save))}"
    if not suggestion.is_usable:
        return f"{save} is not complete: answer the questions in it, then: {command}"
    return f"{save} is written. Correct it where it is wrong, then: {command}"


def _ask(suggestion: "Suggestion") -> dict[str, str | None]:
    """What the user says of the columns in question; an empty line leaves one as it is."""
    answers: dict[str, str | None] = {}
    for question in suggestion.questions:
        if question.kind != "column" or question.column is None or not question.choices:
            continue
        choices = [*question.choices, NO_USE]
        print_note(f"{question.text}{_samples(question)}")
        for number, choice in enumerate(choices, 1):
            print_note(f"  {number}  {choice}")
        given = input(f"1–{len(choices)}, or Enter to leave it: ").strip()
        if given.isdigit() and 1 <= int(given) <= len(choices):
            chosen = choices[int(given) - 1]
            answers[question.column] = None if chosen == NO_USE else chosen
    return answers
