"""The page: every section's view, one template, and a policy that forbids it to ask anybody for anything."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from foresell.services.report.page import change, customers, measures, places, predictions, quality, scored
from foresell.services.report.page.language import Language
from foresell.services.report.page.reasons import reason_in
from foresell.services.report.page.sentences import sentences
from foresell.services.report.sections import Report

TEMPLATE = "page.html.jinja"
STYLE = "page.css"
# The page's sections, in order; each has an element with this id.
SECTIONS = (
    "kpis",
    "change",
    "places",
    "promotions",
    "rfm",
    "cohorts",
    "tasks",
    "worth",
    "segments",
    "pairs",
    "forecasts",
    "recommendations",
    "leaderboards",
    "quality",
)


def write_page(report: Report, language_code: str) -> str:
    language = Language(language_code, report.currency, report.time_zone)
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = read_style()
    return environment.get_template(TEMPLATE).render(
        report=report,
        language=language,
        say=language.say,
        reason_in=reason_in,
        style=style,
        policy=content_policy(style),
        sections=SECTIONS,
        sentences=sentences(report, language),
        **_views(report, language),
    )


def read_style() -> str:
    """The page's style sheet."""
    return files(__package__).joinpath(STYLE).read_text(encoding="utf-8")


def content_policy(style: str) -> str:
    """No script, no request; of styles only the page's own, known by its hash."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _views(report: Report, language: Language) -> dict[str, object]:
    """What each section shows."""
    shown, forecasts = report.predictions, report.predictions.forecasts
    return {
        "families": measures.families(report.measured, language),
        "sales_chart": measures.sales_chart(report.measured, language),
        "months": measures.months(report.measured, language),
        "change": change.change_view(report, language),
        "share_charts": places.share_charts(report.places, language),
        "promotion_chart": places.promotion_chart(report.places, language),
        "promotion_weeks": measures.promotion_chart(report.measured, language),
        "campaigns": places.campaign_table(report.places, language),
        "heat_map": customers.heat_map(report.measured, language),
        "segments": customers.segments(report.measured, language),
        "fans": predictions.fans(forecasts, language),
        "forecast_table": predictions.forecast_table(forecasts, language) if forecasts else None,
        "outlooks": scored.outlook_views(report.customers.outlooks, language),
        "worth": scored.worth_view(report.customers.worth, language),
        "segmentations": scored.segmentation_views(report.customers.segmentations, language),
        "boards": predictions.boards(shown.leaderboard, language),
        "quality": quality.quality_view(report.quality, language),
    }
