"""Kinds of files that clips are saved as: data, one small JSON file each in the folder `formats/`.

A file `formats/<name>.json` adds a kind called <name>; no code changes. See docs/model.md, "Video".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ..errors import OutputError

FOLDER = Path(__file__).resolve().parent / "formats"
WRITERS = ("container", "palette", "pictures")
PREVIEWS = ("itself", "mp4")
TRANSFERS = {"srgb": 13, "bt709": 1, "unspecified": 2}  # code points of ITU-T H.273
MOST_SETTINGS = 1_000_000  # beyond, a file is damaged rather than unusual


@dataclass(frozen=True)
class Quality:
    """The encoder's option that quality 0 (worst) to 100 (best) is mapped to, on a straight line.

    Whole numbers at both ends give whole numbers between; 33.0 to 13.0 gives fractions.
    """

    option: str
    worst: float
    best: float

    def value(self, quality: float) -> float:
        """The option's value for a quality of 0 to 100."""
        value = self.worst + (self.best - self.worst) * quality / 100
        return round(value) if isinstance(self.worst, int) and isinstance(self.best, int) else value


@dataclass(frozen=True)
class VideoCodec:
    """How pictures are coded.

    codec       ffmpeg's encoder; with the writer "pictures" Pillow's name of the format.
    pixels      ffmpeg's pixel format; with the writer "pictures" Pillow's mode.
    transfer    the transfer curve that YCbCr files are tagged with (TRANSFERS); the pictures are sRGB.
    options     of the encoder; with the writer "palette" of ffmpeg's paletteuse filter.
    quality     None if the quality cannot be chosen.
    """

    codec: str
    pixels: str
    transfer: str = "srgb"
    options: dict[str, Any] = field(default_factory=dict)
    quality: Quality | None = None


@dataclass(frozen=True)
class AlphaCodec:
    """What differs for transparent pictures: pixel format, further options, tags of the track."""

    pixels: str
    options: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)


SIDE_BY_SIDE, OVER_UNDER = STEREO_LAYOUTS = ("side by side", "over-under")
"""How the pictures of two eyes lie in a frame, left (or upper) the left eye's."""


@dataclass(frozen=True)
class StereoMark:
    """What tells players that a video is stereoscopic: an option of the encoder, or a tag of the track (the
    other is ""), and its value for each layout.
    """

    side_by_side: str
    over_under: str
    option: str = ""
    tag: str = ""

    def value(self, layout: str) -> str:
        """The value for one of STEREO_LAYOUTS."""
        return self.side_by_side if layout == SIDE_BY_SIDE else self.over_under


@dataclass(frozen=True)
class SoundCodec:
    """How sound is coded.

    codec       ffmpeg's encoder.
    rates       the sample rates it takes; others become the last of them. Empty = any.
    bits        bits per second of one and of two channels; empty = the encoder's own.
    container   of the file beside pictures.
    """

    codec: str
    rates: list[int] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    container: str = ""


@dataclass(frozen=True)
class Format:
    """A kind of file.

    name                of the kind, as users choose it.
    about               one line for users.
    writer              "container": one file by ffmpeg's muxer; "palette": the same with few colours, chosen
                        for the clip; "pictures": a folder of pictures.
    ending              of the file, or of each picture.
    preview             what browsers are shown: the file "itself", or an "mp4" copy in the temp folder.
    container           ffmpeg's muxer, with container_options.
    alpha, sound        None where the format has none.
    stereo              None where the format cannot say that it is stereoscopic.
    """

    name: str
    about: str
    writer: str
    ending: str
    preview: str
    video: VideoCodec
    container: str = ""
    container_options: dict[str, Any] = field(default_factory=dict)
    alpha: AlphaCodec | None = None
    sound: SoundCodec | None = None
    stereo: StereoMark | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the result is a folder."""
        return self.writer == "pictures"

    def options(self, quality: float) -> dict[str, Any]:
        """The encoder's options for a quality of 0 to 100."""
        scale = self.video.quality
        return self.video.options | ({} if scale is None else {scale.option: scale.value(quality)})

    def with_options(self, **options: Any) -> Format:
        """The same format with these options of the encoder, whatever the quality."""
        quality = self.video.quality
        kept = None if quality is None or quality.option in options else quality
        return replace(self, video=replace(self.video, options=self.video.options | options, quality=kept))


def format_names() -> list[str]:
    """The names of all kinds, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load_format(name: str) -> Format:
    """Reads a kind of file; OutputError if there is none of this name, or if its file is wrong."""
    path = FOLDER / f"{name}.json"
    if not re.fullmatch(r"[A-Za-z0-9 _-]+", name) or not path.is_file():
        raise OutputError(f"There is no format {name!r}; choose one of {', '.join(format_names())}.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise OutputError(
            f"The format file {path} cannot be read ({error}); correct or remove it."
        ) from error
    return _checked(_made(Format, data, path, "", name=name), path)


def transparent_formats() -> list[str]:
    """The names of the kinds that can hold transparency; files that are wrong count as none."""
    names = []
    for name in format_names():
        try:
            names += [name] if load_format(name).alpha is not None else []
        except OutputError:
            continue
    return names


_Made = TypeVar("_Made")
_PARTS: Mapping[str, type] = {
    "video": VideoCodec,
    "alpha": AlphaCodec,
    "sound": SoundCodec,
    "stereo": StereoMark,
    "quality": Quality,
}


def _made(kind: type[_Made], data: Any, path: Path, where: str, **given: Any) -> _Made:
    """A dataclass from a JSON object whose entries are its fields, each of the right type."""
    if not isinstance(data, dict):
        raise _wrong(path, f"{where or 'the file'} must be an object in braces")
    hints, known = get_type_hints(kind), {one.name: one for one in fields(kind) if one.name not in given}
    for name in data:
        if name not in known:
            raise _wrong(path, f"{where}{name} is not known (known are {', '.join(known)})")
    for name, one in known.items():
        if name in data:
            part = _PARTS.get(name)
            value = data[name] if part is None else _made(part, data[name], path, f"{where}{name}.")
            given[name] = value if part is not None else _typed(hints[name], value, path, where + name)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise _wrong(path, f"{where}{name} is missing")
    return kind(**given)


def _typed(hint: Any, value: Any, path: Path, where: str) -> Any:
    if hint is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MOST_SETTINGS
        what = "a number"
    elif hint is str:
        fits, what = isinstance(value, str), "a text"
    elif hint == list[int]:
        fits, what = (
            isinstance(value, list) and all(type(one) is int and one > 0 for one in value),
            ("a list of whole numbers above 0"),
        )
    else:
        fits, what = (
            isinstance(value, dict) and all(isinstance(one, (str, int, float)) for one in value.values()),
            ("texts and numbers in braces"),
        )
    if not fits:
        raise _wrong(path, f"{where} must be {what}")
    return value


def _checked(kind: Format, path: Path) -> Format:
    if kind.writer not in WRITERS:
        raise _wrong(path, f"writer must be one of {', '.join(WRITERS)}")
    if kind.preview not in PREVIEWS:
        raise _wrong(path, f"preview must be one of {', '.join(PREVIEWS)}")
    if kind.video.transfer not in TRANSFERS:
        raise _wrong(path, f"video.transfer must be one of {', '.join(TRANSFERS)}")
    if kind.stereo is not None and bool(kind.stereo.option) == bool(kind.stereo.tag):
        raise _wrong(path, "stereo must have either an option or a tag")
    if not re.fullmatch(r"\.[A-Za-z0-9]+", kind.ending):
        raise _wrong(path, "ending must be a dot with letters and digits, as .mp4")
    if not kind.is_folder and not kind.container:
        raise _wrong(path, "container is missing")
    if kind.sound is not None:
        if len(kind.sound.bits) not in (0, 2):
            raise _wrong(path, "sound.bits must be two numbers, for one and for two channels")
        if kind.is_folder and not re.fullmatch(r"[A-Za-z0-9]+", kind.sound.container):
            raise _wrong(path, "sound.container is missing, the kind of the sound file beside the pictures")
    return kind


def _wrong(path: Path, what: str) -> OutputError:
    return OutputError(f"The format file {path} is wrong: {what}; correct or remove it.")
