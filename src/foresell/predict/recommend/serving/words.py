"""Reasons, notes and absences in words."""

from collections.abc import Mapping

from foresell.predict.recommend.reasons import REASONS, Language
from foresell.predict.recommend.serving.pipeline import Absence
from foresell.predict.recommend.serving.request import NOTES, Item

WHY_NOT: dict[Language, dict[str, str]] = {
    "en": {
        "not_sold": "It is not in the assortment: not in the catalog, or a service.",
        "forbidden": "It is forbidden by: {rules}.",
        "not_asked_for": "This surface or the request does not ask for it.",
        "other_order": "By score it would be number {place} of {k}; "
        "diversity, caps, pins or chance put others there.",
        "lower_score": "Others suit better: by score it is number {place}, and {k} are shown "
        "(its score {score:.3g}, the last one's {last:.3g}).",
        "shown": "It is shown, at rank {rank}.",
    },
    "zh": {
        "not_sold": "不在售：商品目录中没有，或属于服务。",
        "forbidden": "被以下规则禁止：{rules}。",
        "not_asked_for": "此场景或请求不包含该商品。",
        "other_order": "按得分应列第 {place} 位（共 {k} 位），"
        "因多样性、上限、置顶或随机探索而由其他商品占据。",
        "lower_score": "其他商品更合适：按得分列第 {place} 位，只展示 {k} 个"
        "（其得分 {score:.3g}，最后一名 {last:.3g}）。",
        "shown": "已展示，位于第 {rank} 位。",
    },
}


def reason_text(item: Item, names: Mapping[str, str | None], language: Language) -> str | None:
    """The item's reason; a product without a name is called by its id."""
    if item.reason_code is None:
        return None
    because = item.because_product_id
    name = (names.get(because) or because) if because else ""
    text = REASONS[language].get(item.reason_code, "").replace("{}", name)
    return text or None


def note_text(code: str, language: Language) -> str:
    return NOTES[language][code]


def absence_text(absence: Absence, k: int, language: Language) -> str:
    given = {
        "rules": ", ".join(absence.rules),
        "place": absence.place,
        "k": k,
        "rank": absence.rank,
        "score": absence.score or 0.0,
        "last": absence.last_score or 0.0,
    }
    return " ".join(WHY_NOT[language][code].format(**given) for code in absence.codes)
