"""Reads a .glb by the words of the glTF 2.0 specification, section 4.4 (GLB-stored Buffer)."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

SCALARS = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass
class Glb:
    """document: the JSON; attributes: arrays by name; triangles [F, 3]; texture [h, w, 3] uint8 or None."""

    document: dict
    attributes: dict[str, np.ndarray]
    triangles: np.ndarray
    texture: np.ndarray | None


def read_glb(data: bytes) -> Glb:
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON" and size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    bin_size, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0" and 28 + size + bin_size == length
    binary = data[28 + size :]
    assert document["asset"]["version"] == "2.0"
    assert bin_size - document["buffers"][0]["byteLength"] in (0, 1, 2, 3)

    def view(index):
        one = document["bufferViews"][index]
        start = one.get("byteOffset", 0)
        assert start + one["byteLength"] <= document["buffers"][0]["byteLength"]
        return binary[start : start + one["byteLength"]]

    def accessor(index):
        one = document["accessors"][index]
        assert document["bufferViews"][one["bufferView"]].get("byteOffset", 0) % 4 == 0
        width = WIDTHS[one["type"]]
        values = np.frombuffer(view(one["bufferView"]), SCALARS[one["componentType"]])
        assert len(values) == one["count"] * width
        values = values.reshape(-1, width)
        if "min" in one:
            np.testing.assert_array_equal(values.min(0), np.float32(one["min"]))
            np.testing.assert_array_equal(values.max(0), np.float32(one["max"]))
        return values

    node = document["nodes"][document["scenes"][document["scene"]]["nodes"][0]]
    (primitive,) = document["meshes"][node["mesh"]]["primitives"]
    assert primitive.get("mode", 4) == 4
    attributes = {name: accessor(index) for name, index in primitive["attributes"].items()}
    assert "min" in document["accessors"][primitive["attributes"]["POSITION"]], "glTF demands the bounds"
    assert len({len(values) for values in attributes.values()}) == 1
    triangles = accessor(primitive["indices"]).reshape(-1, 3)
    assert triangles.max() < len(attributes["POSITION"])
    texture, colour = None, None
    if "material" in primitive:
        colour = document["materials"][primitive["material"]]["pbrMetallicRoughness"].get("baseColorTexture")
    if colour is not None:
        image = document["images"][document["textures"][colour["index"]]["source"]]
        assert image["mimeType"] == "image/png"
        texture = np.asarray(Image.open(io.BytesIO(view(image["bufferView"]))).convert("RGB"))
    return Glb(document, attributes, triangles, texture)
