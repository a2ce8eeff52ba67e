"""Reads what an H.264 stream tells players about the pictures of two eyes, apart from the code under test."""

from __future__ import annotations

import os
from pathlib import Path

import av

SEI, FRAME_PACKING = 6, 45  # kind of unit, and of message in it (ITU-T H.264, annex D)


def frame_packing(path: Path) -> int | None:
    """The arrangement in an mp4's first frame: 3 side by side, 4 over-under; None if it tells of none."""
    with av.open(os.fspath(path)) as file:
        data = bytes(next(file.demux(video=0)))
    at = 0
    while at + 5 < len(data):  # units, each with its length before it
        length = int.from_bytes(data[at : at + 4], "big")
        unit = data[at + 4 : at + 4 + length].replace(b"\0\0\3", b"\0\0")
        if unit[0] & 31 == SEI and unit[1] == FRAME_PACKING:
            return (int.from_bytes(unit[3:5], "big") >> 7) & 127  # after the id, 0, and the cancel flag
        at += 4 + length
    return None
