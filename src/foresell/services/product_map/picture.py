"""Where everything of the map stands, in units of a picture of WIDTH × HEIGHT; drawn by `page` and `png`."""

from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np
import polars as pl
from numpy.typing import NDArray

WIDTH, HEIGHT, LEGEND = 1180, 800, 230
MARGIN, TOP = 34, 74
SMALLEST, LARGEST = 2.8, 9.0
LABEL_SIZE, LONGEST_LABEL, MOST_LABELS = 11, 28, 45
# Told apart on white and on black, by color-blind readers too; gray is for all others.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#d99a00", "#56b4e9", "#8f6bd1", "#8a8f2e", "#b0413e")
GRAY = "#8a949e"
WORDS = {
    "en": {
        "title": "{name}: a map of {num} products",
        "lead": "Close together: taken by the same customers, one after the other. "
        "Large: taken often. Directions mean nothing.",
        "others": "others",
        "by": "by {model}",
    },
    "zh": {
        "title": "{name}：{num} 个商品的地图",
        "lead": "相邻：被同样的顾客先后选择。越大：越常被选择。方向没有含义。",
        "others": "其他",
        "by": "模型 {model}",
    },
}


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float
    color: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """`x` is its middle, `y` its baseline."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`dots`: large ones first, so that small ones lie on them. `legend`: color and name, in rows from the
    top at the right."""

    language: str
    title: str
    lead: str
    by: str
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]
    legend: tuple[tuple[str, str], ...]


def picture(
    products: pl.DataFrame, places: NDArray[np.float32], name: str, model: str, language: str
) -> Picture:
    """`products`: product_id, title, department, category, num, in the order of the places, (N, 2)."""
    words = WORDS[language]
    groups = _groups(products)
    colors = dict(zip(groups, COLORS, strict=False))
    belongs = products[_grouped_by(products)].to_list()
    x, y = _on_paper(places)
    share = np.sqrt(products["num"].to_numpy() / max(int(products["num"].max() or 1), 1))  # type: ignore[arg-type]
    radii = SMALLEST + (LARGEST - SMALLEST) * share
    titles = products.select(pl.coalesce("title", "product_id")).to_series().to_list()
    dots = tuple(
        Dot(
            round(float(x[n]), 1),
            round(float(y[n]), 1),
            round(float(radii[n]), 1),
            colors.get(group, GRAY),
            title,
        )
        for n, (group, title) in enumerate(zip(belongs, titles, strict=True))
    )
    legend = [(colors[group], group) for group in groups]
    if any(dot.color == GRAY for dot in dots):
        legend.append((GRAY, words["others"]))
    return Picture(
        language,
        words["title"].format(name=name, num=f"{products.height:,}"),
        words["lead"],
        words["by"].format(model=model),
        dots,
        _labels(dots),
        tuple(legend),
    )


def _grouped_by(products: pl.DataFrame) -> str:
    """Departments, where there are several, else categories."""
    return "department" if products["department"].drop_nulls().n_unique() > 1 else "category"


def _groups(products: pl.DataFrame) -> list[str]:
    """The largest groups, by how often their products were taken; equal ones by name."""
    name = _grouped_by(products)
    sums = products.drop_nulls(name).group_by(name).agg(pl.col("num").sum())
    return sums.sort(["num", name], descending=[True, False])[name].head(len(COLORS)).to_list()


def _on_paper(places: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Stretched to the paper's width and height, which is allowed: distances mean little anyhow."""
    low, high = (np.quantile(places, edge, axis=0) if len(places) else np.zeros(2) for edge in (0.0, 1.0))
    shares = (places - low) / np.where(high > low, high - low, 1.0)
    width, height = WIDTH - LEGEND - 2 * MARGIN, HEIGHT - TOP - MARGIN
    return MARGIN + shares[:, 0] * width, TOP + MARGIN / 2 + (1 - shares[:, 1]) * (height - MARGIN / 2)


def _labels(dots: tuple[Dot, ...]) -> tuple[Label, ...]:
    """The names of the products taken most often, as far as they do not lie over each other."""
    labels: list[Label] = []
    boxes: list[tuple[float, float, float, float]] = []
    for dot in dots:
        if len(labels) == MOST_LABELS:
            break
        text = dot.title if len(dot.title) <= LONGEST_LABEL else f"{dot.title[: LONGEST_LABEL - 1].rstrip()}…"
        half, y = text_width(text) / 2, dot.y - dot.radius - 3
        x = min(max(dot.x, half + 4), WIDTH - LEGEND - half - 4)
        box = (x - half - 3, y - LABEL_SIZE - 1, x + half + 3, y + 4)
        if not any(_overlap(box, other) for other in boxes):
            boxes.append(box)
            labels.append(Label(round(x, 1), round(y, 1), text))
    return tuple(labels)


def text_width(text: str) -> float:
    """About, at LABEL_SIZE."""
    return sum(LABEL_SIZE * (1.0 if east_asian_width(sign) in "WF" else 0.56) for sign in text)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
