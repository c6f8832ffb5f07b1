"""Files as inputs: each file, archive's member or sheet that a path stands for, with its mapping."""

import hashlib
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import fields, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, did_you_mean
from foresell.services.file_notes import Note, used_columns
from foresell.services.inputs import Input
from foresell.sources.encoding import sha256_of
from foresell.sources.excel import (
    CellStyle,
    SheetHead,
    SheetPlan,
    choose_sheet,
    is_workbook,
    likely_header,
    stage_sheet,
    survey,
)
from foresell.sources.listing import list_sources
from foresell.sources.mapping import Mapping
from foresell.sources.normalize import require_columns
from foresell.sources.numbered_parts import with_headers
from foresell.sources.readers import stage_file
from foresell.sources.source import Source
from foresell.sources.staging import Projection, ReadOptions, StagedFile, errors_told

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Of orders_export_1 or events-20240131.
NUMBERS_AT_END = re.compile(r"(?:[-_. ]+(?:part|export)|[-_. ]*(?:part|export)?[-_. ]*\d+)+$", re.IGNORECASE)
MOST_NAMED = 5


def find_file_inputs(
    path: Path, mappings: MappingOf[str, Mapping], given: ReadOptions, note: Note
) -> list[Input]:
    """The inputs of a path, in the order of the mappings, then naturally by name.

    `mappings`: name of a file without extension and number → mapping; the only one takes files of any name.
    `note` is told what is left out. Raises NotFoundError, InputError.
    """
    listing = list_sources(path)
    left_out = dict(listing.left_out)
    found: list[tuple[int, Input]] = []
    places = {name: place for place, name in enumerate(mappings)}
    sources = with_headers(listing.sources, given)
    for source in sources:
        for name, made in _of_source(source, mappings, given, left_out):
            found.append((places[name], made))
    if not found:
        _refuse(path, mappings, left_out)
    _note_left_out(left_out, note)
    return [made for _, made in sorted(found, key=lambda pair: pair[0])]


def _of_source(
    source: Source, mappings: MappingOf[str, Mapping], given: ReadOptions, left_out: dict[str, str]
) -> Iterator[tuple[str, Input]]:
    with source.open("rb") as file:
        head = file.read(8)
    if given.format in (None, "excel") and is_workbook(source, head):
        yield from _of_workbook(source, mappings, given, left_out)
        return
    if given.sheet is not None:
        raise InputError(f"{source.name} is no workbook", do="Leave out --sheet.")
    name = _mapping_name(PurePosixPath(source.name).name, mappings)
    if name is None:
        left_out[source.name] = did_you_mean(_stem(source.name), mappings)
        return
    options = combined(given, mappings[name].read)
    yield (
        name,
        Input(source.name, mappings[name], partial(_stage, source, options), partial(_fingerprint, source)),
    )


def _of_workbook(
    source: Source, mappings: MappingOf[str, Mapping], given: ReadOptions, left_out: dict[str, str]
) -> Iterator[tuple[str, Input]]:
    heads = survey(source)
    filled = [head for head in heads if not head.is_empty]
    if given.sheet is not None:
        heads = [choose_sheet(heads, given.sheet, source.name)]
    else:
        left_out.update({f"{source.name}/{head.name}": "empty" for head in heads if head.is_empty})
        heads = [head for head in filled if not head.is_hidden]
        left_out.update({f"{source.name}/{head.name}": "hidden" for head in filled if head.is_hidden})
    for head in heads:
        name = source.name if len(filled) == 1 else f"{source.name}/{head.name}"
        found = _fitting(source, head, mappings, given, is_only=len(heads) == 1)
        if isinstance(found, str):
            left_out[name] = found
            continue
        key, plan = found
        yield (
            key,
            Input(
                name,
                mappings[key],
                partial(_stage_sheet, source, plan),
                partial(_sheet_fingerprint, source, plan),
            ),
        )


def _fitting(
    source: Source, head: SheetHead, mappings: MappingOf[str, Mapping], given: ReadOptions, *, is_only: bool
) -> tuple[str, SheetPlan] | str:
    """The mapping of a sheet and where its header is; or why it has none.

    By the sheet's name, else (if it is the only one) the file's, else the first that its columns fit.
    """
    named = _named(head.name, mappings) or (_named(source.name, mappings) if is_only else None)
    reason = "no mapping fits it"
    for key in [named] if named else mappings:
        mapping = mappings[key]
        options = combined(given, mapping.read)
        header_row = options.header_row or _header_row(head, mapping)
        why_not = _why_not(head, header_row, mapping)
        if why_not is None or (is_only and (named or len(mappings) == 1)):
            # The only sheet is read in any case: what it lacks is an error then, and not a note.
            return key, SheetPlan(head.name, header_row, _styles(mapping))
        reason = why_not
    return reason


def _header_row(head: SheetHead, mapping: Mapping) -> int:
    """The row with the most of the mapping's columns, the first of them; else the likeliest by its looks."""
    used = used_columns(mapping)
    hits = [len(used.intersection((cell or "").strip() for cell in row)) for row in head.rows]
    most = max(hits, default=0)
    return hits.index(most) + 1 if most else likely_header(head)


def _why_not(head: SheetHead, header_row: int, mapping: Mapping) -> str | None:
    row = head.rows[header_row - 1] if header_row <= len(head.rows) else ()
    columns = [cell.strip() for cell in row if cell and cell.strip()]
    try:
        for target in mapping.targets:
            require_columns(target, mapping, columns, where="it")
    except InputError as error:
        return error.what
    return None


def _styles(mapping: Mapping) -> dict[str, CellStyle]:
    styles: dict[str, CellStyle] = {}
    for target in mapping.targets:
        texts = {column.name for column in target.contract.own_columns if column.type == "string"}
        for name, field in target.all_fields.items():
            # The others stand behind ISO 8601, in which cells are written otherwise.
            formats = tuple(form for form in field.formats if form.startswith("%Y"))
            is_text = name in texts and field.sql is None
            for column in field.columns:
                is_text = is_text and (column not in styles or styles[column].is_text)
                styles[column] = CellStyle(field.decimal or mapping.decimal, formats, is_text)
    return styles


def _mapping_name(file_name: str, mappings: MappingOf[str, Mapping]) -> str | None:
    return next(iter(mappings)) if len(mappings) == 1 else _named(file_name, mappings)


def _named(name: str, mappings: MappingOf[str, Mapping]) -> str | None:
    """The mapping that is called as a file or sheet, numbers at its end left out if need be."""
    stem = _stem(name)
    return next((key for key in (stem, NUMBERS_AT_END.sub("", stem)) if key in mappings), None)


def _stem(name: str) -> str:
    plain = PurePosixPath(name).name.strip().lower().removesuffix(".gz")
    return plain.rsplit(".", 1)[0]


def _stage(
    source: Source,
    options: ReadOptions,
    connection: "DuckDBPyConnection",
    into: Path,
    projection: Projection,
) -> StagedFile:
    return stage_file(connection, source, into, options=options, projection=projection)


def _stage_sheet(
    source: Source, plan: SheetPlan, connection: "DuckDBPyConnection", into: Path, projection: Projection
) -> StagedFile:
    with errors_told(source.name, "excel"):
        return stage_sheet(connection, source, into, plan, projection)


def _fingerprint(source: Source) -> str:
    try:
        return sha256_of(source)
    except OSError as error:
        raise InputError(
            f"{source.name} cannot be read", received=error.strerror, do="Check its permissions."
        ) from error


def _sheet_fingerprint(source: Source, plan: SheetPlan) -> str:
    text = f"{_fingerprint(source)}\n{plan.sheet}\n{plan.header_row}"
    return hashlib.sha256(text.encode()).hexdigest()


def combined(given: ReadOptions, of_mapping: ReadOptions) -> ReadOptions:
    """The mapping's options, but for those that differ from the defaults in what the user has given."""
    default = ReadOptions()
    names = [option.name for option in fields(ReadOptions)]
    chosen = {name: getattr(given, name) for name in names if getattr(given, name) != getattr(default, name)}
    return replace(of_mapping, **chosen)


def _refuse(path: Path, mappings: MappingOf[str, Mapping], left_out: MappingOf[str, str]) -> None:
    reasons = "; ".join(f"{name}: {why}" for name, why in [*left_out.items()][:MOST_NAMED])
    expected = ", ".join([*mappings][:20])
    raise InputError(
        f"{path} holds no file or sheet that fits",
        received=reasons,
        do=f"Expected: {expected}. Name a sheet with --sheet, and its header with --header-row."
        if any("/" in name for name in left_out)
        else f"Expected: {expected} as .parquet, .csv, .jsonl or .xlsx.",
    )


def _note_left_out(left_out: MappingOf[str, str], note: Note) -> None:
    if left_out:
        named = [f"{name} ({why.rstrip('.')})" for name, why in [*left_out.items()][:MOST_NAMED]]
        more = f" and {len(left_out) - MOST_NAMED:,} more" if len(left_out) > MOST_NAMED else ""
        note(f"Left out: {', '.join(named)}{more}.")
