"""A folder of numbered pictures while it is being written, with the sound in a file beside them.

Convention
    frame_00000.png is shown at time 0, as everywhere frames are counted from 0.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OutputError
from .container_writer import Job, SoundTrack, opened, output_errors


class PictureWriter:
    """Writes each picture as a file of Pillow's; PNG files carry the tags as ComfyUI's own do."""

    def __init__(self, path: Path, job: Job) -> None:
        """`path` is a folder that is there."""
        from PIL import Image

        self._folder, self._job, self._count = path, job, 0
        Image.init()
        if job.kind.video.codec not in Image.SAVE:
            raise OutputError(
                f"Pillow cannot write pictures of the kind {job.kind.video.codec}; choose another format."
            )
        self._options = job.kind.options(job.quality) | self._tags()
        self._sound: SoundTrack | None = None
        if job.audio is not None and job.kind.sound is not None:
            container = job.kind.sound.container
            self._sound_file = opened(path / f"sound.{container}", container, job.shown)
            with output_errors(job.shown):
                self._sound = SoundTrack(self._sound_file, job.audio, job.kind.sound)

    def write(self, picture: np.ndarray) -> None:
        """Adds one [h, w, 3 or 4] uint8 picture."""
        from PIL import Image

        path = self._folder / f"frame_{self._count:05}{self._job.kind.ending}"
        image, kind = Image.fromarray(picture), self._job.kind
        self._count += 1
        with output_errors(self._job.shown):
            try:
                if image.mode != self._job.pixels():
                    image = image.convert(self._job.pixels())
                image.save(path, format=kind.video.codec, **self._options)
            except (ValueError, TypeError, KeyError) as error:
                raise OutputError(
                    f"Pillow refuses the settings of the format {kind.name} ({error}); choose another format,"
                    " or correct its file."
                ) from error
            if self._sound is not None:
                self._sound.encode_until(self._count / self._job.fps)

    def finish(self) -> None:
        """Ends the sound file."""
        if self._sound is not None:
            with output_errors(self._job.shown):
                self._sound.flush()
                self._sound_file.close()

    def close(self) -> None:
        """Lets go of the files, whatever state they are in."""
        if self._sound is not None:
            with suppress(Exception):
                self._sound_file.close()

    def _tags(self) -> dict[str, Any]:
        if self._job.kind.video.codec != "PNG":
            return {}
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        for name, text in self._job.tags.items():
            info.add_text(name, text)
        return {"pnginfo": info}
