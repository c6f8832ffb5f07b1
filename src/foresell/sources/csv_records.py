"""Splitting CSV text into records one by one: the careful way, for files that have bad rows.

Good records are passed on; a bad one is rejected with its line, and reading resumes on the line after,
so that one unclosed quote costs one line and not the rest of the file.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from foresell.sources.encoding import BLOCK, LONGEST_LINE
from foresell.sources.rejects import Reject

# A quoted value may span lines up to this size; one still open then was never meant to be closed.
LONGEST_RECORD = 4 << 20
# Up to here every line with a quote is tried as the last one; beyond, only where quotes pair up.
SMALL_RECORD = 8 << 10


class RecordSplitter:
    """The good records of a CSV stream, as blocks of bytes with line feeds between records.

    A record is good if it has `num_columns` fields (trailing empty ones are left out) and its quotes
    follow RFC 4180. Blank lines are no records. The first `num_header_lines` lines are skipped.
    """

    def __init__(
        self,
        delimiter: str,
        quote: str,
        num_columns: int,
        num_header_lines: int,
        reject: Callable[[Reject], None],
    ) -> None:
        self._delimiter = delimiter.encode()
        self._quote = quote.encode()
        self._num_columns = num_columns
        self._num_header_lines = num_header_lines
        self._reject = reject
        self.num_good = 0
        self._row_number = 0
        self._line_number = 0
        self._lines: Iterator[bytes] = iter(())
        self._returned: deque[bytes] = deque()
        field = _field_pattern(self._delimiter, self._quote)
        more = b"(?:" + re.escape(self._delimiter) + field + b")"
        self._good = re.compile(
            field + more + b"{%d}" % (num_columns - 1) + b"(?:" + re.escape(self._delimiter) + b")*"
        )
        self._open = re.compile(
            b"(?:" + field + re.escape(self._delimiter) + b")*+" + _open_pattern(self._quote)
        )

    def split(self, stream: Iterable[bytes]) -> Iterator[bytes]:
        self._lines = _physical_lines(stream)
        for _ in range(self._num_header_lines):
            self._next_line()
        waiting: list[bytes] = []
        size = 0
        while (line := self._next_line()) is not None:
            record = self._record(line)
            if record is None:
                continue
            self.num_good += 1
            waiting.append(record + b"\n")
            size += len(record)
            if size >= BLOCK:
                yield b"".join(waiting)
                waiting.clear()
                size = 0
        yield b"".join(waiting)

    def _next_line(self) -> bytes | None:
        line = self._returned.popleft() if self._returned else next(self._lines, None)
        if line is not None:
            self._line_number += 1
        return line

    def _record(self, line: bytes) -> bytes | None:
        if not line.strip():
            return None
        self._row_number += 1
        if len(line) > LONGEST_RECORD:
            self._refuse(line, "line_too_long", f"A line may be {LONGEST_RECORD} bytes long")
            return None
        body = line.rstrip(b"\r\n")
        if b"\r" in body or (self._quote and self._quote in body):
            return self._quoted_record(line)
        num_delimiters = body.count(self._delimiter)
        most = self._num_columns - 1
        if num_delimiters >= most and body.rstrip(self._delimiter).count(self._delimiter) <= most:
            return body
        self._refuse_count(line, num_delimiters + 1)
        return None

    def _quoted_record(self, line: bytes) -> bytes | None:
        following = self._rest_of_quoted(line)
        whole = b"".join([line, *following])
        body = whole.rstrip(b"\r\n")
        if self._good.fullmatch(body):
            self._line_number += len(following)
            return _without_bare_returns(body, self._delimiter, self._quote)
        self._returned.extendleft(reversed(following))
        self._refuse_quoted(line)
        return None

    def _refuse_quoted(self, line: bytes) -> None:
        fields = _num_fields(line.rstrip(b"\r\n"), self._delimiter, self._quote)
        if self._open.fullmatch(line):
            self._refuse(line, "unterminated_quote", "A quote is opened and never closed")
        elif fields is None:
            self._refuse(line, "malformed_quote", "Text follows a closing quote: double inner quotes")
        else:
            self._refuse_count(line, fields)

    def _rest_of_quoted(self, line: bytes) -> list[bytes]:
        """The lines that a quote left open in `line` runs through, none where it is never closed."""
        following: list[bytes] = []
        size = len(line)
        if not self._quote or not self._open.fullmatch(line):
            return following
        is_open = line.count(self._quote) % 2 == 1
        while size <= LONGEST_RECORD:
            next_line = self._returned.popleft() if self._returned else next(self._lines, None)
            if next_line is None:
                break
            following.append(next_line)
            size += len(next_line)
            num_quotes = next_line.count(self._quote)
            is_open = is_open != (num_quotes % 2 == 1)
            may_close = num_quotes and (not is_open or size <= SMALL_RECORD)
            if may_close and not self._open.fullmatch(b"".join([line, *following])):
                break
        return following

    def _refuse_count(self, line: bytes, found: int) -> None:
        code = "too_few_columns" if found < self._num_columns else "too_many_columns"
        advice = "give the values with: foresell quarantine fix ID --set COLUMN=VALUE, or correct the file"
        self._refuse(line, code, f"{self._num_columns} columns expected, {found} found: {advice}")

    def _refuse(self, line: bytes, code: str, message: str) -> None:
        raw = line.rstrip(b"\r\n").decode("utf-8", errors="replace")
        self._reject(Reject(self._row_number, self._line_number, raw, code, message))


def _physical_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in stream:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > LONGEST_LINE:
            yield rest
            rest = b""
    if rest:
        yield rest


def _field_pattern(delimiter: bytes, quote: bytes) -> bytes:
    ends = re.escape(delimiter) + b"\n"
    if not quote:
        return b"[^" + ends + b"]*+"
    q = re.escape(quote)
    pad = b"" if delimiter == b" " else b" *+"
    quoted = q + b"(?:[^" + q + b"]++|" + q + q + b")*+" + q + pad
    plain = b"[^ " + q + ends + b"][^" + ends + b"]*+"
    return pad + b"(?:" + quoted + b"|" + plain + b")?"


def _open_pattern(quote: bytes) -> bytes:
    q = re.escape(quote)
    return b" *+" + q + b"(?:[^" + q + b"]++|" + q + q + b")*+" if quote else b"(?!)"


def _num_fields(body: bytes, delimiter: bytes, quote: bytes) -> int | None:
    """How many fields a line has whose quotes are in order; None where they are not."""
    if not quote:
        return body.count(delimiter) + 1
    field = _field_pattern(delimiter, quote)
    whole = field + b"(?:" + re.escape(delimiter) + field + b")*"
    if not re.fullmatch(whole, body):
        return None
    without_quoted = re.sub(re.escape(quote) + b"[^" + re.escape(quote) + b"]*" + re.escape(quote), b"", body)
    return without_quoted.count(delimiter) + 1


def _without_bare_returns(body: bytes, delimiter: bytes, quote: bytes) -> bytes:
    """A carriage return inside a value would end the row for the reader unless the value is quoted."""
    if b"\r" not in body or not quote:
        return body.replace(b"\r", b" ")
    field = re.compile(_field_pattern(delimiter, quote))
    fields: list[bytes] = []
    position = 0
    while position <= len(body):
        match = field.match(body, position)
        value = match.group() if match else b""
        is_bare = b"\r" in value and not value.lstrip(b" ").startswith(quote)
        fields.append(quote + value.replace(quote, quote + quote) + quote if is_bare else value)
        position += len(value) + 1
    return delimiter.join(fields)
