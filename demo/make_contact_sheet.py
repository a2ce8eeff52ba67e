"""Shows a video as one picture: `python -m demo.make_contact_sheet VIDEO PICTURE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PIL import Image

from real3d_core.video.contact_sheet import contact_sheet
from real3d_core.video.decoder import read_video

COLUMNS, ROWS = 6, 4
TILE_WIDTH = 256


def make_contact_sheet(video: Path, picture: Path) -> None:
    """Writes a picture of frames evenly spread over the video, each labelled with its time."""
    clip = read_video(video)
    count = max(1, round(clip.seconds * clip.fps))
    tiles = min(count, COLUMNS * ROWS)
    wanted = {round(i * (count - 1) / max(1, tiles - 1)) for i in range(tiles)}
    shown = [(i, frame) for i, frame in enumerate(clip.frames(0, count)) if i in wanted]
    labels = [f"{float(i / clip.fps):.2f} s" for i, _ in shown]
    sheet = contact_sheet([frame for _, frame in shown], COLUMNS, labels, tile_width=TILE_WIDTH)
    part = picture.with_name(f"part-{os.getpid()}-{picture.name}")
    try:
        Image.fromarray(sheet).save(part)
        os.replace(part, picture)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    make_contact_sheet(Path(sys.argv[1]), Path(sys.argv[2]))
