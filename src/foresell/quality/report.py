"""The quality report: every check over every table, worst findings first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality import CHECKS
from foresell.quality.finding import SEVERITIES, Finding, Severity, share_text
from foresell.quality.profile import ProfiledTables, TableProfile

TITLES = {
    "en": {"error": "Errors", "warning": "Warnings", "note": "Notes"},
    "zh": {"error": "错误", "warning": "警告", "note": "提示"},
}
PROFILE_WORDS = {
    "en": {
        "size": "  {table}: {rows:,} rows, {columns} columns",
        "missing": "; missing: ",
        "never": "; never filled: ",
    },
    "zh": {"size": "  {table}：{rows:,} 行，{columns} 列", "missing": "；缺失：", "never": "；从未填写："},
}
# Columns that are missing in this share at least are listed in the text; the record holds all.
WORTH_LISTING = 0.005


@dataclass(frozen=True, slots=True)
class QualityReport:
    """`findings`, worst first; `profiles`, one for each table that has rows; the checks that ran."""

    findings: tuple[Finding, ...]
    profiles: tuple[TableProfile, ...]
    checks: tuple[str, ...]

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)

    def as_record(self) -> dict[str, Any]:
        """JSON-ready: counts by severity, findings, and rows and missing shares by table."""
        return {
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "checks": list(self.checks),
            "findings": [finding.as_record() for finding in self.findings],
            "tables": [
                {
                    "table": p.table,
                    "num_rows": p.num_rows,
                    "num_columns": len(p.missing),
                    "missing": p.missing,
                }
                for p in self.profiles
            ],
        }

    def as_text(self, language: str = "en") -> str:
        """What a person reads, in "en" or "zh"."""
        return "\n".join(_lines(self, "zh" if language == "zh" else "en")) + "\n"


def check_tables(
    tables: Tables,
    settings: Settings,
    checks: Iterable[str] = CHECKS,
    on_check: Callable[[str], None] = lambda check: None,
) -> QualityReport:
    """Run checks (all by default; NotFoundError for an unknown one) and count every table.

    `on_check` is called with each check's name before it runs, for a progress bar. Nothing is changed, and
    rows never leave the engine: only counts and a few ids do.
    """
    names = tuple(checks)
    for name in names:
        if name not in CHECKS:
            raise NotFoundError(f"There is no quality check '{name}'", do=did_you_mean(name, CHECKS))
    profiled = ProfiledTables.over(tables)
    findings: list[Finding] = []
    for name in names:
        on_check(name)
        findings += CHECKS[name](profiled, settings)
    profiles = tuple(profiled.profile(name) for name in profiled.loaded())
    return QualityReport(tuple(sorted(findings, key=_worst_first)), profiles, names)


def _worst_first(finding: Finding) -> tuple[int, float, str, str, str]:
    rank = SEVERITIES.index(finding.severity)
    return rank, -finding.share, finding.table, finding.column or "", finding.check


def _lines(report: QualityReport, language: str) -> Iterator[str]:
    yield _summary(report, language)
    for severity in SEVERITIES:
        chosen = [finding for finding in report.findings if finding.severity == severity]
        if chosen:
            yield ""
            yield TITLES[language][severity]
        for finding in chosen:
            yield from _finding_lines(finding, language)
    yield ""
    yield "Tables" if language == "en" else "数据表"
    for profile in report.profiles:
        yield _profile_line(profile, language)


def _summary(report: QualityReport, language: str) -> str:
    errors, warnings, notes = (report.count(severity) for severity in SEVERITIES)
    num_tables, num_checks = len(report.profiles), len(report.checks)
    if language == "zh":
        found = f"{errors} 个错误，{warnings} 个警告，{notes} 条提示"
        return f"对 {num_tables} 张表做了 {num_checks} 项检查：{found}"
    found = f"{_number(errors, 'error')}, {_number(warnings, 'warning')}, {_number(notes, 'note')}"
    return f"{_number(num_checks, 'check')} over {_number(num_tables, 'table')}: {found}"


def _finding_lines(finding: Finding, language: str) -> Iterator[str]:
    message, advice = finding.in_language(language)
    place = f"{finding.table}.{finding.column}" if finding.column else finding.table
    share = share_text(finding.share)
    if language == "zh":
        yield f"  {place}: {message}（{finding.num_rows:,} 行，{share}）"
    else:
        yield f"  {place}: {message} ({_number(finding.num_rows, 'row')}, {share})"
    yield f"      {advice}"
    if finding.examples:
        label = "例如：" if language == "zh" else "for example: "
        yield f"      {label}{', '.join(finding.examples)}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _profile_line(profile: TableProfile, language: str) -> str:
    words = PROFILE_WORDS[language]
    line = words["size"].format(table=profile.table, rows=profile.num_rows, columns=len(profile.missing))
    gaps = {c: share for c, share in profile.missing.items() if WORTH_LISTING <= share < 1}
    if gaps:
        line += words["missing"] + ", ".join(f"{c} {share_text(s)}" for c, s in gaps.items())
    if profile.empty_columns:
        line += words["never"] + ", ".join(profile.empty_columns)
    return line
