"""Titles that differ by a slip: case, spacing and punctuation, or one letter typed wrong.

Candidates come from deletion neighborhoods (as in SymSpell, W. Garbe 2012): two texts one edit apart share a
text with at most one letter deleted from each. So 100,000 titles need some three million short hashes and no
comparison of all with all. A pair is kept if the slip is in a word of four letters and more, not in a number,
and does not make a plural: "SET OF 3" and "SET OF 6", "HEART" and "HEARTS" are products of their own.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHORTEST = 6
SHORTEST_WORD = 4
# More texts than this around one deletion are a series ("CANDLE A" … "CANDLE Z"), not slips.
MOST_AROUND = 20
NUMBER = r"[0-9]*[.,/]?[0-9]+"


def near_titles(titles: "pl.Series") -> "pl.DataFrame":
    """Pairs of different titles that may name one thing: `title`, `other` (sorted), `slip`: "spelling" where
    only case, spaces or punctuation differ, else "typo". Null and very short titles have no pairs."""
    import polars as pl

    raw = pl.DataFrame({"title": titles.drop_nulls().unique().cast(pl.String)})
    words = pl.col("title").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    known = raw.with_columns(
        words.alias("words"), numbers=pl.col("title").str.extract_all(NUMBER).list.join(" ")
    ).with_columns(pl.col("words").str.replace_all(" ", "").alias("letters"))
    known = known.filter(pl.col("letters").str.len_chars() >= SHORTEST)
    return pl.concat([_same_letters(known), _one_typo(known)]).sort("title", "other")


def _same_letters(known: "pl.DataFrame") -> "pl.DataFrame":
    """1.6 and 16 have the same digits, and are not the same number."""
    import polars as pl

    pairs = known.join(known, on=["letters", "numbers"], suffix="_other")
    pairs = pairs.filter(pl.col("title") < pl.col("title_other"))
    return pairs.select("title", other="title_other", slip=pl.lit("spelling"))


def _one_typo(known: "pl.DataFrame") -> "pl.DataFrame":
    """Of each pair of letter sequences, the pairs of titles."""
    import polars as pl

    distinct = known.unique("letters", keep="first", maintain_order=True).select("letters", "words")
    pairs = _candidates(distinct["letters"])
    spelled = dict(distinct.iter_rows())
    kept = [pair for pair in pairs.iter_rows() if is_slip(*(spelled[letters] for letters in pair))]
    schema = {"letters": pl.String, "letters_other": pl.String}
    found = pl.DataFrame(kept, schema=schema, orient="row")
    both = found.join(known, on="letters").join(
        known.select(letters_other="letters", other="title"), on="letters_other"
    )
    ordered = pl.concat_list("title", "other").list.sort()
    return both.select(title=ordered.list.get(0), other=ordered.list.get(1), slip=pl.lit("typo"))


def _candidates(letters: "pl.Series") -> "pl.DataFrame":
    import polars as pl

    texts = pl.DataFrame({"letters": letters}).with_row_index("n")
    places = texts.with_columns(at=pl.int_ranges(pl.col("letters").str.len_chars())).explode("at")
    before = pl.col("letters").str.slice(0, pl.col("at"))
    after = pl.col("letters").str.slice(pl.col("at") + 1)
    shortened = places.select("n", around=pl.concat_str(before, after).hash())
    around = pl.concat([shortened, texts.select("n", around=pl.col("letters").hash())]).unique()
    size = pl.len().over("around")
    around = around.filter((size > 1) & (size <= MOST_AROUND))
    pairs = around.join(around, on="around", suffix="_other").filter(pl.col("n") < pl.col("n_other"))
    found = pairs.select("n", "n_other").unique().sort("n", "n_other")
    return pl.DataFrame(
        {"letters": letters.gather(found["n"]), "letters_other": letters.gather(found["n_other"])}
    )


def is_slip(words: str, other: str) -> bool:
    """Whether two normalized titles differ in one word: by one letter too many, too few or another, or by two
    neighbors exchanged."""
    pairs = list(zip(words.split(" "), other.split(" "), strict=False))
    different = [(a, b) for a, b in pairs if a != b]
    if words.count(" ") != other.count(" ") or len(different) != 1:
        return False
    a, b = sorted(different[0], key=len)
    is_word = a.isalpha() and b.isalpha() and len(b) >= SHORTEST_WORD
    return is_word and b != a + "s" and _is_one_edit(a, b)


def _is_one_edit(a: str, b: str) -> bool:
    """`a` is not the longer."""
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    rest_a, rest_b = a[start:], b[start:]
    if len(a) < len(b):
        return rest_a == rest_b[1:]
    is_exchanged = rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:]
    return is_exchanged or rest_a[1:] == rest_b[1:]
