"""A TFLite file of one convolution, laid out as selfie_multiclass_256x256.tflite is: [1, 256, 256, 3] RGB in,
[1, 256, 256, classes] scores out. Stands for the real file, which is not to be had everywhere.

A TFLite file is a flatbuffer: tables of numbered fields, each field a number in place or an offset forwards.
The numbers of fields, types and operators below are those of TFLite's published schema.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

FLOAT32, CONV_2D, CONV_2D_OPTIONS = 0, 3, 1


@dataclass(frozen=True)
class Byte:
    """A number of one byte in a table; plain ints are int32."""

    value: int


class Table(dict):
    """Field number -> int, Byte, bytes, str, list of ints or list of tables."""


def colour_classifier(weights: np.ndarray, biases: np.ndarray, side: int = 256) -> bytes:
    """The file of a net whose score of class k is weights[k] @ colour + biases[k]; weights [classes, 3]."""
    count = len(weights)
    data = [weights.astype("<f4").tobytes(), biases.astype("<f4").tobytes()]
    tensors = [
        _tensor("input", [1, side, side, 3], 0),
        _tensor("weights", [count, 1, 1, 3], 1),
        _tensor("biases", [count], 2),
        _tensor("scores", [1, side, side, count], 0),
    ]
    options = Table({0: Byte(0), 1: 1, 2: 1, 4: 1, 5: 1})  # padding, strides, dilations
    operator = Table({0: 0, 1: [0, 1, 2], 2: [3], 3: Byte(CONV_2D_OPTIONS), 4: options})
    graph = Table({0: tensors, 1: [0], 2: [3], 3: [operator], 4: "main"})
    code = Table({0: Byte(CONV_2D), 2: 1, 3: CONV_2D})
    buffers = [Table(), *(Table({0: one}) for one in data)]
    return _flatbuffer(Table({0: 3, 1: [code], 2: [graph], 3: "stand-in", 4: buffers}))


def _tensor(name: str, shape: list[int], buffer: int) -> Table:
    return Table({0: shape, 1: Byte(FLOAT32), 2: buffer, 3: name})


def _flatbuffer(root: Table) -> bytes:
    out = bytearray(4) + b"TFL3"
    struct.pack_into("<I", out, 0, _write(out, root))
    return bytes(out)


def _write(out: bytearray, value: Table | bytes | str | list) -> int:
    """Appends a value and what it points to; the place of its beginning."""
    if isinstance(value, Table):
        return _write_table(out, value)
    if isinstance(value, str):
        value = value.encode() + b"\0"
        return _write_vector(out, value, len(value) - 1)
    if isinstance(value, bytes):
        return _write_vector(out, value, len(value))
    if value and isinstance(value[0], Table):
        start = _write_vector(out, bytes(4 * len(value)), len(value))
        for number, item in enumerate(value):
            place = start + 4 + 4 * number
            struct.pack_into("<I", out, place, _write(out, item) - place)
        return start
    return _write_vector(out, struct.pack(f"<{len(value)}i", *value), len(value))


def _write_vector(out: bytearray, data: bytes, count: int) -> int:
    out += bytes((-len(out) - 4) % 16)  # the data begin at a multiple of 16
    start = len(out)
    out += struct.pack("<I", count) + data
    return start


def _write_table(out: bytearray, table: Table) -> int:
    fields = sorted(table)
    count = fields[-1] + 1 if fields else 0
    out += bytes(-len(out) % 4)
    index = len(out)
    places = [4 + 4 * fields.index(number) if number in table else 0 for number in range(count)]
    out += struct.pack(f"<{2 + count}H", 4 + 2 * count, 4 + 4 * len(fields), *places)
    out += bytes(-len(out) % 4)
    start = len(out)
    out += struct.pack("<i", start - index) + bytes(4 * len(fields))
    for number in fields:
        place, value = start + places[number], table[number]
        if isinstance(value, Byte):
            out[place] = value.value
        elif isinstance(value, int):
            struct.pack_into("<i", out, place, value)
        else:
            struct.pack_into("<I", out, place, _write(out, value) - place)
    return start
