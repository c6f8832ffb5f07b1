from collections.abc import Callable
from typing import Any

import pytest

from foresell.contracts.errors import InputError

Stage = Callable[..., Any]
TEXT = "名前,数\nカメラと電話,1\nあいうえお,2\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("naam,x\nCafé Müller,1\nSeñor,2\n", "cp1252"),
        ("товар,цена\nсапоги красные,5\nвода минеральная,7\n", "cp1251"),
        ("商品,数量\n苹果手机和电脑配件,3\n中华人民共和国万岁,4\n", "gb18030"),
        (TEXT, "cp932"),
        (TEXT, "utf-16"),
        (TEXT, "utf-8-sig"),
        ("a,b\nplain,1\n", "utf-16-le"),
    ],
)
def test_encodings_are_found_out(stage: Stage, text: str, encoding: str) -> None:
    staged = stage(text.encode(encoding))
    header, *rows = (tuple(line.split(",")) for line in text.splitlines())
    assert staged.file.columns == header
    assert staged.rows == rows
    assert staged.file.details["replacement_characters"] == 0


def test_stated_encoding_is_used_and_an_unknown_one_refused(stage: Stage) -> None:
    assert stage("a,b\nšč,1\n".encode("cp1250"), encoding="cp1250").rows == [("šč", "1")]
    with pytest.raises(InputError, match="no encoding 'klingon'"):
        stage(b"a,b\n1,2\n", encoding="klingon")


def test_bytes_that_fit_no_encoding_ask_for_it(stage: Stage) -> None:
    noise = bytes(range(128, 256)) * 40
    with pytest.raises(InputError, match="--encoding"):
        stage(b"a,b\n" + noise + b",1\n")


def test_damaged_lines_of_utf8_are_kept_and_flagged(stage: Stage) -> None:
    data = "a,b\n1,été\n2,ünï\n".encode() + b"3,caf\xe9\n" + b"4,ok\n"
    staged = stage(data)
    assert staged.rows == [("1", "été"), ("2", "ünï"), ("3", "caf\ufffd"), ("4", "ok")]
    assert staged.file.details["replacement_characters"] == 1


def test_fallback_encoding_reads_mixed_files_whole(stage: Stage) -> None:
    data = "a,b\n1,été\n2,ünï\n".encode() + b"3,caf\xe9\n"
    staged = stage(data, fallback_encoding="cp1252")
    assert staged.rows[-1] == ("3", "café")
    assert staged.file.details["replacement_characters"] == 0


def test_nul_bytes_are_removed_and_counted(stage: Stage) -> None:
    staged = stage(b"a,b\n1\x00,2\n\x003,4\n")
    assert staged.rows == [("1", "2"), ("3", "4")]
    assert staged.file.details["nul_bytes_removed"] == 2
