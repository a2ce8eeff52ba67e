"""Keyframes: what is written is what the camera does, and an error names the line."""

from __future__ import annotations

import json
import math

import pytest
import torch

from real3d_core.camera_path.keyframes import MOST_KEYS, keyframe_track, parse_keyframes
from real3d_core.errors import CameraError
from tests.sentences import assert_one_sentence

DEGREE = math.pi / 180
TEXT = """
# comes in from the left
0: yaw -10
1s: yaw 10, pitch 4, ease out   # seconds
50f: YAW = 0, dolly .5
"""
JSON = """[{"time": 0, "yaw": -10},
 {"time": 1.0, "yaw": 10, "pitch": 4, "easing": "ease out"},
 {"frame": 50, "yaw": 0, "dolly": 0.5}]"""


def test_keyframes_are_met_and_channels_held() -> None:
    path = keyframe_track(TEXT, 75, 25)
    at = [0, 25, 50, 74]
    torch.testing.assert_close(path.yaw[at] / DEGREE, torch.tensor([-10.0, 10, 0, 0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(path.pitch, torch.full((75,), 4 * DEGREE))  # named once: always
    torch.testing.assert_close(path.dolly, torch.full((75,), 0.5))
    assert path.roll.abs().max() == 0 and path.field_of_view.eq(1).all()


def test_json_says_the_same() -> None:
    text, listed = keyframe_track(TEXT, 75, 25), keyframe_track(JSON, 75, 25)
    wrapped = keyframe_track(f'{{"keyframes": {JSON}}}', 75, 25)
    for other in (listed, wrapped):
        torch.testing.assert_close(text.yaw, other.yaw)
        torch.testing.assert_close(text.dolly, other.dolly)


def test_easing_is_that_of_the_way_to_the_next_keyframe() -> None:
    middle = {}
    for easing in ("linear", "smooth", "ease in", "ease out", "hold"):
        path = keyframe_track(f"0: yaw 0, {easing}\n1: yaw 8", 26, 25)
        middle[easing] = float(path.yaw[5]) / DEGREE  # a fifth of the time
        assert path.yaw[25] / DEGREE == pytest.approx(8, abs=1e-4)
    assert middle["linear"] == pytest.approx(1.6, abs=1e-4)
    assert middle["ease in"] == pytest.approx(8 * 0.04, abs=1e-4)
    assert middle["ease out"] == pytest.approx(8 * 0.36, abs=1e-4)
    assert middle["smooth"] == pytest.approx(8 * (0.5 - 0.5 * math.cos(0.2 * math.pi)), abs=1e-4)
    assert middle["hold"] == 0
    default = keyframe_track("0: yaw 0\n1: yaw 8", 26, 25, "linear")
    assert default.yaw[5] / DEGREE == pytest.approx(1.6, abs=1e-4)


def test_through_passes_keyframes_without_stopping() -> None:
    text = "0: yaw 0, through\n1: yaw 4, through\n2: yaw 9, through\n3: yaw 10"
    yaw = keyframe_track(text, 76, 25).yaw / DEGREE
    torch.testing.assert_close(yaw[[0, 25, 50, 75]], torch.tensor([0.0, 4, 9, 10]), atol=1e-4, rtol=0)
    assert (yaw.diff() >= -1e-6).all()  # never back, never farther than the keyframes
    assert yaw.diff()[20:30].min() > 0.1  # it goes on at full speed
    stops = keyframe_track(text.replace("through", "smooth"), 76, 25).yaw / DEGREE
    assert stops.diff()[20:30].min() < 0.02
    mixed = keyframe_track("0: yaw 0, through\n1: yaw 4, hold\n2: yaw 9", 76, 25).yaw / DEGREE
    assert mixed[40] == pytest.approx(4, abs=1e-4) and mixed[60] == pytest.approx(9, abs=1e-4)
    assert keyframe_track("1: yaw 3, through", 5, 25).yaw[4] / DEGREE == pytest.approx(3, abs=1e-4)


def test_factors_move_evenly_in_their_logarithm() -> None:
    path = keyframe_track("0: dolly 0.5\n2: dolly 2, linear", 51, 25, "linear")
    assert path.dolly[25] == pytest.approx(1, rel=1e-5)


def test_order_of_lines_does_not_matter_and_empty_is_nothing() -> None:
    one, other = keyframe_track("1: yaw 5\n0: yaw 1", 30, 25), keyframe_track("0: yaw 1\n1: yaw 5", 30, 25)
    assert torch.equal(one.yaw, other.yaw)
    assert keyframe_track(" \n# nothing\n", 3, 25).yaw.abs().max() == 0
    assert keyframe_track("[]", 3, 25).yaw.abs().max() == 0


def test_many_keyframes_are_no_burden() -> None:
    text = "\n".join(f"{i}f: yaw {i % 7}" for i in range(2000))
    path = keyframe_track(text, 2000, 25)
    assert path.yaw[1999] / DEGREE == pytest.approx(1999 % 7, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("0: yaw 1\nnonsense", 2),
        ("0: yaw 1\n\nyaw 5", 3),
        ("-1: yaw 5", 1),
        ("1e9: yaw 5", 1),
        ("9e999: yaw 5", 1),
        ("nan: yaw 5", 1),
        ("0: yaw", 1),
        ("0: yaw abc", 1),
        ("0: yaw 1e400", 1),
        ("0: yaw 400", 1),
        ("0: zaw 4", 1),
        ("0: yaw 4, yaw 5", 1),
        ("0: yaw 4, bouncy", 1),
        ("0: dolly 0", 1),
        ("0: dolly -1", 1),
        ("# a\n0: yaw 1\n1: yaw 2\n25f: yaw 3", 4),
        ('[{"time": 0, "yaw": 1},\n {"time": 1, "yaw": "x"}]', 2),
        ('[{"time": 0, "yaw": 1},\n\n 5]', 3),
        ('[{"yaw": 1}]', 1),
        ('[{"time": 0, "frame": 1}]', 1),
        ('[{"time": true}]', 1),
        ('[\n{"time": 0, "yaw": NaN}]', 2),
        ('[\n{"time": Infinity, "yaw": 1}]', 2),
        (f'[{{"time": 0, "yaw": 1{"0" * 400}}}]', 1),
        ('[\n{"time": 0, "easing": ["x"]}]', 2),
        ('[\n{"time": 0, "yaw": {"a": 1}}]', 2),
        ('[{"time": 0,\n "yaw": 1', 2),
        ('{"frames": []}', 1),
        ('{"keyframes": 5}', 1),
        ("0: " + "yaw 1 " * 3000, 1),
    ],
)
def test_an_error_names_the_line(text: str, line: int) -> None:
    with pytest.raises(CameraError, match=rf"^Keyframes, line {line}: ") as error:
        parse_keyframes(text, 25)
    assert_one_sentence(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "0: yaw 1\n" * 100_000,
        "[" * 100_000,
        json.dumps([{"frame": i, "yaw": 0} for i in range(MOST_KEYS + 1)], separators=(",", ":")),
        "[" + "1" * 5000 + "]",
    ],
)
def test_absurd_texts_are_refused(text: str) -> None:
    with pytest.raises(CameraError) as error:
        parse_keyframes(text, 25)
    assert_one_sentence(error.value)
