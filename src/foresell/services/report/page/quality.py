"""The imports' balance and what the checks found, as the page shows them."""

from dataclasses import dataclass

from markupsafe import Markup

from foresell.quality.finding import SEVERITIES, Finding, share_text
from foresell.services.report.page.charts import Table
from foresell.services.report.page.language import Language
from foresell.services.report.sections import Quality, RunRow
from foresell.store.said import REPAIR_SOURCE

OUTCOMES = ("accepted", "updated", "duplicate", "quarantined")
MOST_RUNS = 60
MOST_REASONS = 40


@dataclass(frozen=True, slots=True)
class FindingView:
    severity: str
    severity_name: str
    place: str
    message: str
    advice: str
    amount: str
    examples: str


@dataclass(frozen=True, slots=True)
class QualityView:
    balance: Markup
    is_balanced: bool
    runs: Table | None
    repairs: Table | None
    reasons: Table | None
    summary: str
    findings: tuple[FindingView, ...]


def quality_view(quality: Quality, language: Language) -> QualityView:
    imports = [run for run in quality.runs if not run.source.startswith(REPAIR_SOURCE)]
    repairs = [run for run in quality.runs if run.source.startswith(REPAIR_SOURCE)]
    totals = {outcome: sum(getattr(run, f"rows_{outcome}") for run in imports) for outcome in OUTCOMES}
    read = sum(run.rows_read for run in imports)
    numbers = {outcome: language.number(total) for outcome, total in totals.items()}
    balance = language.say_strongly("quality.rows", read=language.number(read), **numbers)
    checked = quality.checked
    errors, warnings, notes = (language.number(checked.count(severity)) for severity in SEVERITIES)
    return QualityView(
        balance=balance if imports else Markup("{}").format(language.say("quality.no_runs")),
        is_balanced=read == sum(totals.values()),
        runs=_runs(imports, language),
        repairs=_repairs(repairs, language),
        reasons=_reasons(quality, language),
        summary=language.say(
            "quality.checked",
            checks=len(checked.checks),
            tables=len(checked.profiles),
            errors=errors,
            warnings=warnings,
            notes=notes,
        ),
        findings=tuple(_finding(finding, language) for finding in checked.findings),
    )


def _runs(imports: list[RunRow], language: Language) -> Table | None:
    """The latest MOST_RUNS imports, in the order they were made."""
    if not imports:
        return None
    columns = ("file", "source", "when", "read", *OUTCOMES)
    rows = tuple(
        (
            run.source_file,
            run.source,
            language.moment(run.finished_at),
            language.number(run.rows_read),
            *(language.number(getattr(run, f"rows_{outcome}")) for outcome in OUTCOMES),
        )
        for run in imports[-MOST_RUNS:]
    )
    return Table(tuple(language.say(f"quality.{column}") for column in columns), rows, "tkknnnnn")


def _repairs(repairs: list[RunRow], language: Language) -> Table | None:
    """The repairs that stand, the latest MOST_RUNS in the order they were made: rule, time, rows."""
    if not repairs:
        return None
    columns = ("rule", "when", "repaired")
    rows = tuple(
        (run.source_file, language.moment(run.finished_at), language.number(run.rows_updated))
        for run in repairs[-MOST_RUNS:]
    )
    return Table(tuple(language.say(f"quality.{column}") for column in columns), rows, "tkn")


def _reasons(quality: Quality, language: Language) -> Table | None:
    if not quality.reasons:
        return None
    columns = ("file", "reason", "column", "num_rows")
    rows = tuple(
        (reason.source_file or "", reason.error_code, reason.column or "", language.number(reason.num_rows))
        for reason in quality.reasons[:MOST_REASONS]
    )
    return Table(tuple(language.say(f"quality.{column}") for column in columns), rows, "tkkn")


def _finding(finding: Finding, language: Language) -> FindingView:
    message, advice = finding.in_language(language.code)
    share = share_text(finding.share)
    return FindingView(
        severity=finding.severity,
        severity_name=language.say(f"severity.{finding.severity}"),
        place=f"{finding.table}.{finding.column}" if finding.column else finding.table,
        message=message,
        advice=advice,
        amount=language.say("quality.share", rows=language.number(finding.num_rows), share=share),
        examples=language.list(list(finding.examples)),
    )
