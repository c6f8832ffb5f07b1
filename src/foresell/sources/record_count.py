"""Counting the records of a CSV text independently of the reader, to notice rows that it loses.

DuckDB's reader ends without an error when a quote is left open, and the rows after it are gone.
"""

from dataclasses import dataclass

LINE_FEED, RETURN, QUOTE = 10, 13, 34


@dataclass
class RecordCount:
    """Fed with a text's blocks in order; bytes of any encoding in which ASCII is ASCII.

    `num_records`: the records that end in the blocks so far, blank lines left out. `is_quote_open`: whether
    a quote is open at the end.
    """

    num_records: int = 0
    is_quote_open: bool = False
    _length: int = 0
    _last: int = LINE_FEED

    def feed(self, block: bytes) -> None:
        has_blank = b"\n\n" in block or b"\n\r\n" in block or block[:1] in (b"\n", b"\r")
        if self.is_quote_open or self._length or has_blank or b'"' in block or not block.endswith(b"\n"):
            self._feed_carefully(block)
        else:
            self.num_records += block.count(b"\n")

    def total(self) -> int:
        """All records: the last one may lack its line feed."""
        return self.num_records + int(not self._is_blank(self._length, self._last))

    def _feed_carefully(self, block: bytes) -> None:
        import numpy as np

        data = np.frombuffer(block, dtype=np.uint8)
        is_inside = np.bitwise_xor.accumulate((data == QUOTE).view(np.uint8)) ^ np.uint8(self.is_quote_open)
        ends = np.flatnonzero((data == LINE_FEED) & (is_inside == 0))
        self.is_quote_open = bool(is_inside[-1])
        if not len(ends):
            self._length += len(block)
            self._last = block[-1]
            return
        first_length = self._length + int(ends[0])
        before_first = block[ends[0] - 1] if ends[0] else self._last
        lengths = np.diff(ends) - 1
        is_return = (lengths == 1) & (data[ends[1:] - 1] == RETURN)
        self.num_records += int(not self._is_blank(first_length, before_first))
        self.num_records += int(np.count_nonzero((lengths > 0) & ~is_return))
        self._length = len(block) - 1 - int(ends[-1])
        self._last = block[-1]

    @staticmethod
    def _is_blank(length: int, last: int) -> bool:
        return length == 0 or (length == 1 and last == RETURN)
