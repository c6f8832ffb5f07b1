"""What models say of customers: tasks, worth, segments."""

from dataclasses import dataclass

from markupsafe import Markup

from foresell.services.report.page.charts import BarChart, Table, bar_chart
from foresell.services.report.page.language import Language
from foresell.services.report.sections import FairnessNote, Segmentation, TaskOutlook, Worth

CHANCE_COLOR, DRIVER_COLOR, WORTH_COLOR, SEGMENT_COLOR = 1, 5, 3, 4


@dataclass(frozen=True, slots=True)
class Note:
    severity: str
    severity_name: str
    message: str


@dataclass(frozen=True, slots=True)
class OutlookView:
    title: str
    lead: Markup
    bands: BarChart | None
    drivers: BarChart | None
    findings: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class WorthView:
    lead: Markup
    chart: BarChart


@dataclass(frozen=True, slots=True)
class SegmentationView:
    title: str
    chart: BarChart
    table: Table


def outlook_views(outlooks: tuple[TaskOutlook, ...], language: Language) -> list[OutlookView]:
    return [_outlook(outlook, language) for outlook in outlooks]


def _outlook(outlook: TaskOutlook, language: Language) -> OutlookView:
    question = outlook.question_zh if language.code == "zh" else outlook.question
    days = language.number(outlook.horizon_days)
    title = language.say("tasks.title", question=question[:1].upper() + question[1:], days=days)
    return OutlookView(
        title,
        _lead(outlook, language),
        _bands(outlook, language),
        _drivers(outlook, language),
        tuple(_note(finding, language) for finding in outlook.findings),
    )


def _lead(outlook: TaskOutlook, language: Language) -> Markup:
    customers = language.number(outlook.num_customers)
    if outlook.unit != "probability":
        mean = language.value(outlook.mean, outlook.unit)
        return language.say_strongly("tasks.mean", customers=customers, mean=mean)
    chance = language.percent(outlook.mean)
    if outlook.num_chosen is None or outlook.threshold is None:
        return language.say_strongly("tasks.chance", customers=customers, chance=chance)
    return language.say_strongly(
        "tasks.chosen",
        customers=customers,
        chance=chance,
        chosen=language.number(outlook.num_chosen),
        threshold=language.percent(min(outlook.threshold, 1.0)),
    )


def _bands(outlook: TaskOutlook, language: Language) -> BarChart | None:
    if not outlook.bands:
        return None
    rows = [
        (
            f"{language.number(band.lower * 100)}–{language.number(band.upper * 100)}%",
            float(band.num_customers),
            language.number(band.num_customers),
            "",
        )
        for band in outlook.bands
    ]
    return _bars("tasks.bands", rows, CHANCE_COLOR, language)


def _drivers(outlook: TaskOutlook, language: Language) -> BarChart | None:
    if not outlook.drivers:
        return None
    rows = [
        (
            driver.text_zh if language.code == "zh" else driver.text[:1].upper() + driver.text[1:],
            driver.size,
            _size(driver.size, outlook, language),
            "",
        )
        for driver in outlook.drivers
    ]
    return _bars("tasks.drivers", rows, DRIVER_COLOR, language)


def _size(size: float, outlook: TaskOutlook, language: Language) -> str:
    if outlook.unit == "probability":
        return language.say("tasks.points", points=language.number(size * 100, 1))
    return language.value(size, outlook.unit)


def _note(finding: FairnessNote, language: Language) -> Note:
    message = finding.message_zh if language.code == "zh" else finding.message
    return Note(finding.severity, language.say(f"severity.{finding.severity}"), message)


def worth_view(worth: Worth | None, language: Language) -> WorthView | None:
    if worth is None or worth.expected <= 0:
        return None
    shares = [tenth / worth.expected for tenth in worth.tenths]
    rows = [
        (
            language.say("worth.tenth", number=number),
            tenth,
            language.money(tenth),
            language.percent(share),
        )
        for number, (tenth, share) in enumerate(zip(worth.tenths, shares, strict=True), start=1)
    ]
    lead = language.say_strongly(
        "worth.lead",
        customers=language.number(worth.num_customers),
        expected=language.money(worth.expected),
        days=language.number(worth.horizon_days),
        share=language.percent(shares[0], 0),
    )
    return WorthView(lead, _bars("worth.tenths", rows, WORTH_COLOR, language))


def segmentation_views(segmentations: tuple[Segmentation, ...], language: Language) -> list[SegmentationView]:
    return [_segmentation(one, language) for one in segmentations]


def _segmentation(found: Segmentation, language: Language) -> SegmentationView:
    is_chinese = language.code == "zh"
    key = f"segments.by_{found.name}"
    title = language.say(key) if language.knows(key) else found.name
    names = [row.name_zh if is_chinese else row.segment for row in found.segments]
    rows = [
        (name, row.share, language.percent(row.share), language.number(row.num_customers))
        for name, row in zip(names, found.segments, strict=True)
    ]
    summary = language.say(
        "chart.bars", title=title, bars=language.list([f"{label} {text}" for label, _, text, _ in rows])
    )
    header = tuple(language.say(f"segments.{column}") for column in ("segment", "customers", "sentence"))
    table = Table(
        header,
        tuple(
            (name, language.number(row.num_customers), row.sentence_zh if is_chinese else row.sentence)
            for name, row in zip(names, found.segments, strict=True)
        ),
        kinds="knt",
    )
    return SegmentationView(title, bar_chart(title, summary, rows, color=SEGMENT_COLOR), table)


def _bars(key: str, rows: list[tuple[str, float, str, str]], color: int, language: Language) -> BarChart:
    title = language.say(key)
    bars = language.list([f"{label} {text}" for label, _, text, _ in rows])
    return bar_chart(title, language.say("chart.bars", title=title, bars=bars), rows, color=color)
