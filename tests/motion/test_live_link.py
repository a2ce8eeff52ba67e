"""Live Link Face's CSV: round trips, takes as the app writes them, and files that are not takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from real3d_core.errors import MotionError
from real3d_core.motion.files import load_motion, save_motion
from real3d_core.motion.live_link import COLUMNS, WEIGHTS, csv_of, motion_of_csv
from real3d_core.motion.timecode import clock_of, timecodes
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES, Motion
from tests.sentences import assert_one_sentence

from .random_motion import assert_same, random_motion

RATES = (24_000 / 1001, 24.0, 25.0, 30_000 / 1001, 30.0, 50.0, 60_000 / 1001, 60.0, 12.0, 23.0, 120.0, 240.0)


def app_take(codes: list[str], values: list[list[float]] | None = None) -> str:
    """A take as the app writes it: ten decimals, Windows line ends."""
    rows = values or [[0.001 * i] * 61 for i in range(len(codes))]
    lines = ["Timecode,BlendShapeCount," + ",".join(COLUMNS)]
    lines += [
        f"{code},61," + ",".join(f"{v:.10f}" for v in row) for code, row in zip(codes, rows, strict=True)
    ]
    return "\r\n".join(lines) + "\r\n"


def test_the_columns_are_the_app_s() -> None:
    assert len(COLUMNS) == 61 and len(set(COLUMNS)) == 61
    assert COLUMNS[:3] == ("EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft")
    assert COLUMNS[14:18] == ("JawForward", "JawRight", "JawLeft", "JawOpen")
    assert COLUMNS[51:55] == ("TongueOut", "HeadYaw", "HeadPitch", "HeadRoll")
    assert COLUMNS[-1] == "RightEyeRoll"
    assert sorted(name[0].lower() + name[1:] for name in WEIGHTS) == sorted(ARKIT_NAMES)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("frames", [2, 7, 130])
def test_a_motion_comes_back(tmp_path: Path, fps: float, frames: int) -> None:
    motion = random_motion(frames, fps)
    save_motion(motion, tmp_path / "a.csv")
    back = load_motion(tmp_path / "a.csv")
    assert back.fps == pytest.approx(fps, rel=1.1e-3 / (frames - 1))
    assert_same(replace(back, fps=fps), replace(motion, translation=torch.zeros(frames, 3)))


def test_a_single_frame_comes_back() -> None:
    motion = replace(random_motion(1), translation=torch.zeros(1, 3))
    assert_same(motion_of_csv(csv_of(motion), "a.csv"), motion)


def test_the_timecode_counts_on_over_midnight_and_hours() -> None:
    codes = ["23:59:59:58.500", "23:59:59:59.500", "00:00:00:00.500", "00:00:00:01.500"]
    motion = motion_of_csv(app_take(codes), "a.csv")
    assert motion.fps == 60.0 and len(motion) == 4
    long = timecodes(100_000, 25.0)
    assert long[0] == "00:00:00:24.000" and long[-1] == "01:06:40:23.000"
    assert clock_of(long, "a.csv").fps == 25.0


def test_a_take_of_less_than_a_second_is_taken_for_the_app_s_rate() -> None:
    codes = [f"10:20:30:{frame:02}.541" for frame in range(5, 20)]
    assert motion_of_csv(app_take(codes), "a.csv").fps == 60.0


def test_a_take_at_half_the_rate_of_its_timecode() -> None:
    codes = [f"10:20:{30 + i // 30:02}:{i % 30 * 2:02}.111" for i in range(90)]
    assert motion_of_csv(app_take(codes), "a.csv").fps == 30.0


def test_missing_rows_and_rows_without_a_face_are_bridged() -> None:
    codes = [f"10:20:{30 + i // 60:02}:{i % 60:02}.000" for i in range(120)]
    whole = motion_of_csv(app_take(codes), "a.csv")
    lines = app_take(codes).splitlines()
    del lines[41:44]
    lines[70] = f"{codes[72]},0"
    motion = motion_of_csv("\n".join(lines), "a.csv")
    assert len(motion) == 120 and motion.fps == 60.0
    assert torch.allclose(motion.blendshapes, whole.blendshapes, atol=1e-6)


def test_a_given_rate_takes_the_place_of_the_timecode() -> None:
    motion = motion_of_csv(app_take(["00:00:00:00.000"] * 5), "a.csv", fps=29.97)
    assert motion.fps == 29.97 and len(motion) == 5


def test_angles_and_eyes() -> None:
    row = [0.0] * 61
    row[52:58] = [0.2, -0.1, 0.05, math.radians(15), math.radians(-6), 0.0]
    row[58:60] = [math.radians(15), math.radians(-6)]
    motion = motion_of_csv(app_take(["00:00:00:00.000"], [row]), "a.csv")
    assert torch.allclose(motion.euler, torch.tensor([[-0.1, 0.2, 0.05]]))
    for name in ("eyeLookOutLeft", "eyeLookInRight"):
        assert float(motion.channel(name)) == pytest.approx(0.5)
    for name in ("eyeLookUpLeft", "eyeLookUpRight"):
        assert float(motion.channel(name)) == pytest.approx(0.2)
    degrees = [math.degrees(value) for value in row]
    other = motion_of_csv(app_take(["00:00:00:00.000"], [degrees]), "a.csv")
    assert torch.allclose(other.euler, motion.euler) and torch.allclose(other.blendshapes, motion.blendshapes)


def test_the_eyes_of_a_written_take_look_where_the_weights_say() -> None:
    weights = torch.zeros(1, 52)
    for name in ("eyeLookOutLeft", "eyeLookInRight", "eyeLookDownLeft", "eyeLookDownRight"):
        weights[0, ARKIT_INDEX[name]] = 0.5
    row = csv_of(replace(Motion.still(), blendshapes=weights)).splitlines()[1].split(",")
    eyes = [float(cell) for cell in row[-6:]]
    assert eyes == pytest.approx([math.radians(15), math.radians(15), 0] * 2)


def test_names_may_be_in_any_order_and_case() -> None:
    lines = [line.split(",") for line in csv_of(random_motion(30)).splitlines()]
    turned = "\n".join(",".join(line[::-1]) for line in lines).replace("EyeBlinkLeft", "eyeBlinkLEFT")
    assert_same(motion_of_csv(turned, "a.csv"), motion_of_csv(csv_of(random_motion(30)), "a.csv"))


def edited(change: Callable[[list[str]], list[str]]) -> Callable[[], str]:
    """A take of three frames with changed lines."""
    return lambda: "\n".join(change(csv_of(random_motion(3)).splitlines()))


def cell(row: int, column: int, text: str) -> Callable[[], str]:
    """A take with another text in one cell."""

    def change(lines: list[str]) -> list[str]:
        cells = lines[row].split(",")
        cells[column] = text
        lines[row] = ",".join(cells)
        return lines

    return edited(change)


HOSTILE: dict[str, Callable[[], str | bytes]] = {
    "empty": lambda: "",
    "header alone": edited(lambda lines: lines[:1]),
    "another table": lambda: "a,b,c\n1,2,3\n",
    "no text": lambda: b"\xff\xd8\xff\xe0" + bytes(range(256)),
    "NaN": cell(2, 5, "nan"),
    "infinity": cell(2, 5, "-inf"),
    "1e300": cell(2, 5, "1e300"),
    "text in numbers": cell(2, 5, "half"),
    "empty cell": cell(2, 5, ""),
    "a formula": cell(2, 5, "=1+1"),
    "a column too few": edited(lambda lines: [lines[0], lines[1].rpartition(",")[0], *lines[2:]]),
    "a column too many": edited(lambda lines: [lines[0], lines[1] + ",0", *lines[2:]]),
    "a weight missing": cell(0, 20, "Something"),
    "a name twice": cell(0, 20, "JawOpen"),
    "no timecode": cell(0, 0, "Time"),
    "timecode of seconds": cell(1, 0, "0.033"),
    "timecode of text": cell(1, 0, "aa:bb:cc:dd"),
    "huge timecode": cell(1, 0, "99999999:00:00:00"),
    "time stands still": lambda: app_take(["01:00:00:05.000"] * 3),
    "time runs back": lambda: app_take(["01:00:00:05.000", "01:00:00:06.000", "01:00:00:02.000"]),
    "no face anywhere": edited(lambda lines: [lines[0], "00:00:00:00.000,0", "00:00:00:01.000,0"]),
    "no face, not a number": edited(lambda lines: [lines[0], *(["00:00:00:00.000,zero"] * 2)]),
    "a gap of 11 hours": lambda: app_take([*timecodes(20, 60.0), "11:59:00:00"]),
    "10^6 frames": lambda: "Timecode\n" * 1_000_001,
    "10^6 whole frames": lambda: "Timecode" + ",0" * 61 * 1_000_000,
    "a quote that never ends": lambda: csv_of(random_motion(3)) + '"' + "x" * 200_000,
    "zero bytes": lambda: csv_of(random_motion(3)) + "\0" * 100,
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_files_that_are_not_takes_are_refused(tmp_path: Path, kind: str) -> None:
    content = HOSTILE[kind]()
    file = tmp_path / "hostile.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MotionError) as caught:
        load_motion(file)
    assert_one_sentence(str(caught.value))
    assert "hostile.csv" in str(caught.value)
