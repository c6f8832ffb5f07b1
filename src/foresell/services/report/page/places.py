"""Bars of what sells and where; promotions and campaigns."""

from collections.abc import Sequence

from foresell.services.report.page.charts import BarChart, Table, bar_chart
from foresell.services.report.page.language import Language
from foresell.services.report.sections import Places, Share

PROMOTION_COLOR = 5


def share_charts(places: Places, language: Language) -> list[BarChart]:
    """Departments, categories and locations, those that there are."""
    titles = {
        "places.departments": places.departments,
        "places.categories": places.categories,
        "places.locations": places.locations,
    }
    return [
        _share_chart(language.say(key, count=language.number(places.num_locations)), shares, language)
        for key, shares in titles.items()
        if shares
    ]


def _share_chart(title: str, shares: Sequence[Share], language: Language) -> BarChart:
    rows = [
        (
            share.name or language.say("none"),
            share.net_sales,
            language.money(share.net_sales),
            language.percent(share.share),
        )
        for share in shares
    ]
    return bar_chart(title, _summary(title, rows, language), rows)


def promotion_chart(places: Places, language: Language) -> BarChart | None:
    if not places.promotions:
        return None
    title = language.say("promotions.share")
    rows = [
        (
            row.department or language.say("none"),
            row.share,
            language.percent(row.share),
            language.money(row.net_sales * row.share),
        )
        for row in places.promotions
    ]
    return bar_chart(title, _summary(title, rows, language), rows, color=PROMOTION_COLOR)


def campaign_table(places: Places, language: Language) -> Table | None:
    if not places.campaigns:
        return None
    columns = ("campaign", "when", "redemptions", "rate")
    rows = [
        (
            " · ".join(part for part in (row.campaign_id, row.kind) if part),
            language.span(row.starts_at, row.ends_at) if row.starts_at and row.ends_at else "",
            language.number(row.redemptions),
            language.percent(row.rate),
        )
        for row in places.campaigns
    ]
    return Table(tuple(language.say(f"promotions.{column}") for column in columns), tuple(rows), "kknn")


def _summary(title: str, rows: Sequence[tuple[str, float, str, str]], language: Language) -> str:
    bars = language.list([f"{label} {text}" for label, _, text, _ in rows])
    return language.say("chart.bars", title=title, bars=bars)
