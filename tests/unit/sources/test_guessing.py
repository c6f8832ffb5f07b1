"""Encodings found out from bytes alone."""

import random

import pytest

from foresell.sources.guessing import guess_legacy, is_gb, utf16_without_mark

CHINESE = (
    "订单号,商品,备注\n"
    + "1001,龙井茶叶二百五十克,顾客说这个茶叶很好喝，下次还会再来购买\n1002,铁观音,包装破损要求退款\n" * 9
)
TEXTS = {
    "gb18030": CHINESE,
    "big5": "訂單編號,商品名稱,備註\n" + "1001,高山烏龍茶,顧客說這個茶葉很好喝下次還會再來\n" * 9,
    "cp949": "주문번호,상품명,비고\n" + "1001,녹차 선물세트,고객님이 아주 맛있다고 하셨습니다\n" * 9,
    "euc_jp": "注文番号,商品名,備考\n" + "1001,緑茶のギフト,お客様は美味しいと言っていました\n" * 9,
    "cp1251": "номер,товар,примечание\n" + "1001,Чай зелёный листовой,Покупатель доволен\n" * 9,
    "koi8_r": "номер,товар,примечание\n" + "1001,Чай зелёный листовой,Покупатель доволен\n" * 9,
}


@pytest.mark.parametrize(("encoding", "text"), TEXTS.items(), ids=list(TEXTS))
def test_a_text_of_each_language_is_known(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    assert guess_legacy(data) == encoding
    assert is_gb(data) == (encoding == "gb18030")


def test_a_few_broken_bytes_do_not_hide_chinese() -> None:
    data, chance = bytearray(CHINESE.encode("gb18030")), random.Random(1)
    for _ in range(6):
        data[chance.randrange(len(data))] = 0xFF
    assert guess_legacy(bytes(data)) == "gb18030"


def test_a_short_chinese_header_is_chinese() -> None:
    assert guess_legacy("订单号,金额\n1,2\n".encode("gbk")) == "gb18030"


def test_damaged_utf8_is_not_taken_for_chinese() -> None:
    for line in CHINESE.splitlines():
        damaged = line.encode()[:-1]
        assert not is_gb(damaged)
    assert not is_gb("Müller, Königstraße".encode("cp1252"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", [CHINESE, "id,name\n1,tea\n", "编号,名\n一,二\n" * 20, "номер,товар\n1,Чай\n" * 9]
)
def test_utf16_needs_no_mark(text: str, encoding: str) -> None:
    assert utf16_without_mark(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    "data",
    [
        CHINESE.encode(),
        CHINESE.encode("gb18030"),
        b"id,na\0me\n1,te\0a\n",
        "id,né\0e\n1,2\n".encode("cp1252"),
        random.Random(2).randbytes(4096),
        b"",
    ],
)
def test_what_is_not_utf16_is_not_taken_for_it(data: bytes) -> None:
    assert utf16_without_mark(data) is None
