"""Proposing a mapping for a file: its table, which column is what, a preview, and questions.

Reads a sample, opens no store and writes nothing.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.settings import EngineSettings, Settings
from foresell.contracts.tables import TABLES
from foresell.sources.listing import list_sources
from foresell.sources.source import Source
from foresell.sources.staging import ReadOptions
from foresell.sources.suggest.proposal import ColumnProposal, Question
from foresell.store.engine import connect


@dataclass(frozen=True)
class Suggestion:
    """What is proposed. `columns`: all of the file's, in its order; `preview`: the first rows as they would
    be mapped, column → value, identifiers masked; `num_rows`, `num_usable`: how many rows the sample has
    and how many the mapping accepts; `faults`: why not, fault → number of rows; `is_usable`: the mapping can
    be used as it is."""

    file: str
    table: str
    confidence: float
    columns: list[ColumnProposal]
    questions: list[Question]
    preview: list[dict[str, str | None]]
    mapping_toml: str
    num_rows: int
    num_usable: int
    faults: dict[str, int]
    is_usable: bool

    def as_record(self) -> dict[str, Any]:
        record = asdict(self)
        for column in record["columns"]:
            column["alternatives"] = [{"target": t, "score": s} for t, s in column["alternatives"]]
        return record


def suggest_mapping(
    path: Path,
    options: ReadOptions | None = None,
    *,
    table: str | None = None,
    settings: Settings | None = None,
    answers: dict[str, str | None] | None = None,
) -> Suggestion:
    """A mapping of a file (of a folder or archive: its first table), found in at most 10,000 of its rows.

    `table`: if it is known; `answers`: column → its target where somebody has said so, None: no use.
    Errors: NotFoundError, InputError (nothing to read, no rows), those of the file's reader.
    """
    from foresell.sources.suggest.assign import best_assignment
    from foresell.sources.suggest.evidence import Evidence
    from foresell.sources.suggest.profile import profile_columns
    from foresell.sources.suggest.proposal import propose
    from foresell.sources.suggest.sample import read_sample

    if table is not None and table not in TABLES:
        raise InputError(f"There is no table '{table}'", do=did_you_mean(table, TABLES))
    source = _first_source(path)
    connection = connect(EngineSettings())
    try:
        sample = read_sample(connection, source, options or ReadOptions())
        if not sample.num_rows:
            raise InputError(f"{source.name} has no rows to look at", do="Give a file with some rows.")
        evidence = Evidence(sample, profile_columns(connection, sample), answers=answers or {})
        proposals = propose(evidence, best_assignment(evidence, table))
        return _suggestion(connection, path, evidence, proposals, options or ReadOptions(), settings)
    finally:
        connection.close()


def _first_source(path: Path) -> Source:
    if not path.exists():
        raise NotFoundError(f"There is no file {path}", do="Check the path.")
    if path.is_file() and path.suffix.lower() != ".zip":
        return path
    sources = list_sources(path).sources
    if not sources:
        raise InputError(f"{path} holds no table", do="Give a file, or a folder or archive with one.")
    return sources[0]


def _suggestion(
    connection: Any,
    path: Path,
    evidence: Any,
    proposals: Any,
    options: ReadOptions,
    settings: Settings | None,
) -> Suggestion:
    from foresell.sources.suggest.mapping_text import mapping_text
    from foresell.sources.suggest.plan import make_plan
    from foresell.sources.suggest.preview import preview
    from foresell.sources.suggest.whole_file import whole_file_questions

    day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
    plan = make_plan(evidence, proposals, day)
    plan = replace(plan, questions=[*plan.questions, *whole_file_questions(evidence, proposals, plan)])
    questions = [*proposals.questions, *plan.questions]
    read = _stated(options)
    text = mapping_text(path.name, plan, proposals, questions, read)
    shown = (
        preview(connection, evidence.sample, text, path.name, settings or Settings())
        if not plan.problems
        else None
    )
    return Suggestion(
        file=path.name,
        table=proposals.table,
        confidence=proposals.confidence,
        columns=proposals.columns,
        questions=questions,
        preview=shown.rows if shown else [],
        mapping_toml=text,
        num_rows=evidence.sample.num_rows,
        num_usable=shown.num_usable if shown else 0,
        faults=shown.faults if shown else {},
        is_usable=not plan.problems,
    )


def _stated(options: ReadOptions) -> dict[str, str]:
    """What the user had to say to have the file read stands in its mapping too."""
    names = ("format", "delimiter", "encoding", "fallback_encoding")
    return {name: value for name in names if (value := getattr(options, name)) is not None}
