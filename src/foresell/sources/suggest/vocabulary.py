"""The words that shops use, read once from `vocabulary.toml` and `tokens.toml`."""

import re
import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from foresell.contracts.tables import TABLES

# Marks before a phrase: it may also mean something else; there are better names for it; it means it only
# in these very words.
WHOLE = "="
MARKS = {"~": 0.6, "<": 0.92, WHOLE: 1.0}
# The canonical name itself comes before all that means the same.
CANONICAL = 1.03
UNKNOWN_WEIGHT = 0.55
DIGIT_WEIGHT = 0.2
# Traditional characters in what Taiwan's and Hong Kong's shops call their columns.
_TRADITIONAL = dict(
    zip(
        "訂單編號時間買賣價格額數量實際優惠運費稅總計應會員戶顧聯繫電話機碼郵箱國區縣詳細貨類別標題圖庫產採購進銷寶貝店鋪鏈結庫現倉儲門業務員備註說"
        "處態類型開關閉創建獲點擊覽頁訪問設備來源評論內容滿意渠動勞績幣種匯率團隊證件齡歲傳發職級費結將對選擇簽單筆轉帳賬號積餘額貸廠規條碼檔記錄認領獎勵從遞遲達還換壞",
        "订单编号时间买卖价格额数量实际优惠运费税总计应会员户顾联系电话机码邮箱国区县详细货类别标题图库产采购进销宝贝店铺链结库现仓储门业务员备注说"
        "处态类型开关闭创建获点击览页访问设备来源评论内容满意渠动劳绩币种汇率团队证件龄岁传发职级费结将对选择签单笔转账账号积余额贷厂规条码档记录认领奖励从递迟达还换坏",
        strict=True,
    )
)
_TO_SIMPLIFIED = str.maketrans(
    {
        "帐": "账",
        "倉": "仓",
        "儲": "储",
        "盤": "盘",
    }
    | {key: value for key, value in _TRADITIONAL.items() if key != value}
)


@dataclass(frozen=True)
class Phrase:
    """What may stand over a column. `is_whole`: other words for it do not mean it."""

    text: str
    weight: float
    is_whole: bool = False


Phrases = tuple[Phrase, ...]


@dataclass(frozen=True)
class Lexicon:
    """What single words mean. `tokens`: word → token; `segments`: those, and what is ignored or opaque;
    `phrase_words`: words that phrases hold as they are."""

    tokens: dict[str, str]
    weights: dict[str, float]
    ignored: frozenset[str]
    prefixes: frozenset[str]
    opaque: frozenset[str]
    segments: frozenset[str]
    phrase_words: frozenset[str]

    def weight(self, token: str) -> float:
        if token in self.weights:
            return self.weights[token]
        if token.isdigit():
            return DIGIT_WEIGHT
        return 1.0 if token in self.phrase_words or token in self.tokens else UNKNOWN_WEIGHT


def plain(text: str) -> str:
    """Simplified characters, full-width letters as plain ones, no accents."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_TO_SIMPLIFIED))
    return unicodedata.normalize("NFKC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def _read(name: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(files("foresell.sources.suggest").joinpath(name).read_text(encoding="utf-8"))


def _listed(text: str) -> list[str]:
    return [part for piece in text.split(",") if (part := " ".join(piece.split()))]


@cache
def lexicon() -> Lexicon:
    tree = _read("tokens.toml")
    tokens: dict[str, str] = {}
    for token, words in tree["tokens"].items():
        for word in (token, *_listed(words)):
            tokens.setdefault(plain(word).lower(), token)
    weights = {token: float(weight) for token, weight in tree["weights"].items()}
    ignored = frozenset(_listed(tree["ignored"]["words"]))
    prefixes = frozenset(_listed(tree["prefixes"]["words"]))
    opaque = frozenset(_listed(tree["opaque"]["words"]))
    segments = frozenset(tokens) | ignored | opaque
    return Lexicon(tokens, weights, ignored, prefixes, opaque, segments, frozenset(phrase_word_counts()))


@cache
def phrase_word_counts() -> dict[str, int]:
    """The words of all phrases, and how often each is used."""
    return Counter(
        word
        for section in _read("vocabulary.toml").values()
        for words in section.values()
        for word in re.findall(r"[a-z]{2,}", plain(words).lower())
    )


@cache
def phrases() -> dict[str, Phrases]:
    """What may stand over a column of each answer: 'orders.order_id', 'identifier:email', 'none:note'.

    Their weights: see MARKS.
    """
    tree = _read("vocabulary.toml")
    common = {column: _weighed(words) for column, words in tree.pop("any").items()}
    found: dict[str, Phrases] = {}
    people = [tree.pop(name) for name in ("people", "people_zh")]
    for kind in ("identifier", "none"):
        for name, words in tree.pop(kind).items():
            found[f"{kind}:{name}"] = _weighed(words)
    for roles in people:
        for name, parts in roles.items():
            if name != "roles":
                found[f"identifier:{name}"] += _of_roles(_listed(roles["roles"]), _listed(parts))
    for name, table in TABLES.items():
        own = tree.get(name, {})
        for column in table.own_columns:
            shared = common.get(column.name, ())
            given = _weighed(own[column.name]) if column.name in own else ()
            canonical = (Phrase(column.name.replace("_", " "), CANONICAL),)
            found[f"{name}.{column.name}"] = canonical + given + shared
    return found


def _of_roles(roles: list[str], parts: list[str]) -> Phrases:
    """Whose name, phone or address it is: "billing last name", "recipient phone"."""
    return tuple(Phrase(f"{role} {part}", 1.0) for role in roles for part in parts)


def _weighed(words: str) -> Phrases:
    return tuple(
        Phrase(word.lstrip("".join(MARKS)).lower(), MARKS.get(word[0], 1.0), word[0] == WHOLE)
        for word in _listed(words)
    )
