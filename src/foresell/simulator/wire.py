"""Messages between processes: a line of JSON, then the bytes of the arrays that it names. Never pickle."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, BinaryIO

import numpy as np

Arrays = dict[str, np.ndarray]


def send(stream: BinaryIO, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Arrays of numbers and truth values; anything else is a ValueError."""
    ready = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    if any(array.dtype.hasobject for array in ready.values()):
        raise ValueError("objects are no numbers")
    kinds = [[name, array.dtype.str, array.shape] for name, array in ready.items()]
    stream.write(json.dumps({**head, "arrays": kinds}).encode() + b"\n")
    for array in ready.values():
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], Arrays]:
    """The next message; EOFError where the other side has gone."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    arrays: Arrays = {}
    for name, kind, shape in head.pop("arrays"):
        dtype = np.dtype(kind)
        size = dtype.itemsize * int(np.prod(shape))
        data = bytearray(size)
        if stream.readinto(data) != size:  # type: ignore[attr-defined]
            raise EOFError
        arrays[name] = np.frombuffer(data, dtype=dtype).reshape(shape)
    return head, arrays


def packed(value: object, prefix: str = "", without: frozenset[str] = frozenset()) -> Arrays:
    """The arrays of a dataclass by name, those of dataclasses in it with a dot: `lines.product`."""
    arrays: Arrays = {}
    for field in fields(value):  # type: ignore[arg-type]
        member = getattr(value, field.name)
        if field.name in without:
            continue
        if is_dataclass(member):
            arrays |= packed(member, f"{prefix}{field.name}.", without)
        else:
            arrays[prefix + field.name] = np.asarray(member)
    return arrays


def part_of(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin with this, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
