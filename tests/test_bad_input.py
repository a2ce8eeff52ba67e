"""Bad input as users meet it: one typed error of one sentence, exit code 1, and nothing half-written.

Here the nodes and the command line; the rest of each case is proven nearer to where it is decided:

no face, a cut face, an animal      here; tests/portrait/test_faces.py, test_prepare.py (findings)
1x1, cut short, no picture, a bomb  here; tests/portrait/test_read_photo.py
16,384 pixels a side                tests/portrait/test_read_photo.py (memory and time)
all black                           here; tests/portrait/test_prepare.py
sounds of every absurd kind         here; tests/test_sound.py, tests/audio_to_motion/
zero frames                         here; tests/nodes/test_stages.py, tests/video/test_encoder.py
output folder missing or failing    here; tests/test_part_files.py, tests/video/test_encoder.py
paths that leave the folders        here; tests/nodes/test_paths.py
face nets missing or damaged        here; tests/portrait/test_nets.py, test_net_files.py
no cv2, a broken cv2, no librosa    here; tests/portrait/test_nets.py
keyframes, cameras of 3D viewers     tests/camera_path/test_keyframes.py, tests/test_camera_from_load3d.py
stereo that cannot be seen           tests/stereo/test_stereo.py
cameras and sliders of 3D Preview    tests/preview_3d/test_view.py, tests/nodes/test_preview_3d.py
meshes that are none                 tests/head_mesh/test_glb.py, tests/nodes/test_head_mesh.py
wrong workflows                     here; tests/nodes/test_execute.py, test_ui_format.py
kill -9                             tests/test_killed.py, tests/test_part_files.py
everything else                     tests/fuzz/
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from real3d_core import part_files
from real3d_core.errors import AudioError, FaceNotFoundError, MotionError, RenderError
from real3d_core.portrait.net_files import DETECTOR, FACE_LANDMARKER
from real3d_core.wires import Motion
from real3d_portrait.nodes import AudioToMotion, PortraitFromImage, VideoCombine
from real3d_portrait.nodes.headless.command import main
from real3d_portrait.nodes.headless.session import Session, using

from .sentences import assert_one_sentence
from .sounds import write_sound

SETTINGS = (1.0, 0.2, 0, 1.0, 1.0, 25.0)  # mouth, temperature, seed, head, blink, fps


@pytest.fixture
def place(tmp_path):
    """A folder with an input folder that holds a small picture and a tone."""
    (tmp_path / "input").mkdir()
    Image.new("RGB", (32, 24), (200, 100, 50)).save(tmp_path / "input" / "small.png")
    write_sound(tmp_path / "input" / "tone.wav", np.sin(np.arange(1600) * 0.2)[None] * 0.3, 16_000)
    return tmp_path


def saving(**inputs):
    """A workflow that saves a picture as a video."""
    video = {"images": ["1", 0], "fps": 25, "filename_prefix": "clip"}
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "small.png"}},
        "2": {"class_type": "LoadAudio", "inputs": {"audio": "tone.wav"}},
        "3": {"class_type": "R3DP_VideoCombine", "inputs": video | inputs},
    }


def portrait(name: str, fetch_nets: bool = False):
    """A workflow that shows the crop of a portrait."""
    inputs = {"image": name, "face_index": 0, "fetch_nets": fetch_nets}
    return {
        "1": {"class_type": "R3DP_LoadPortrait", "inputs": inputs},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 1]}},
    }


def command(place: Path, workflow, *arguments: str, models: Path | str = "none") -> int:
    file = place / "workflow.json"
    file.write_text(json.dumps(workflow), encoding="utf-8")
    folders = [f"--{name}-folder={place / name}" for name in ("input", "output", "temp")]
    return main([str(file), *folders, f"--models={models}", *arguments])


def assert_refused(capsys, place: Path, code: int, *words: str) -> None:
    """Exit code 1, one line of one sentence on stderr, and no file of the failed run."""
    out, err = capsys.readouterr()
    lines = [line for line in err.replace("\r", "\n").splitlines() if line.strip() and "%|" not in line]
    assert code == 1 and out == "" and len(lines) == 1 and lines[0].startswith("error: "), err
    assert_one_sentence(lines[0])
    for word in words:
        assert word in err
    made = [p for name in ("output", "temp") for p in (place / name).rglob("*") if p.is_file()]
    assert made == []


@pytest.fixture
def pictures(place, astronaut):
    """Pictures without a usable face, by name, in the input folder."""
    data = pytest.importorskip("skimage.data")
    folder = place / "input"
    for name, pixels in {
        "cat": data.chelsea(),
        "coffee": data.coffee()[::2, ::2],
        "half a face": astronaut[:, 226:],
        "black": np.zeros((200, 300, 3), np.uint8),
        "1x1": np.zeros((1, 1, 3), np.uint8),
    }.items():
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{name}.png")
    whole = (folder / "cat.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("I am not a picture")
    (folder / "empty.jpg").write_bytes(b"")
    Image.new("1", (16_500, 16_500)).save(folder / "bomb.png")
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cat.png", "No human face"),
        ("coffee.png", "No human face"),
        ("half a face.png", "No human face"),
        ("black.png", "No human face"),
        ("1x1.png", "too small"),
        ("cut.png", "damaged or cut short"),
        ("text.png", "not a picture"),
        ("empty.jpg", "not a picture"),
        ("bomb.png", "at most 16384"),
        ("nobody.png", "There is no file"),
    ],
)
def test_pictures_without_a_portrait(pictures, place, models_folder, capsys, name, words):
    code = command(place, portrait(name), models=models_folder)
    assert_refused(capsys, place, code, words, "Load Portrait")


def test_a_face_at_the_border_is_taken_and_said(astronaut, models_folder, tmp_path):
    image = torch.from_numpy(np.ascontiguousarray(astronaut[:, 205:])).float()[None] / 255
    with using(Session(temp=tmp_path / "temp", models=models_folder)):
        found = PortraitFromImage.execute(image, 0, False)
    assert any("near the photo's edge" in finding for finding in found.ui["text"])


@pytest.mark.parametrize("level", [float("nan"), float("inf"), 0.0, 1.0, -1.0])
def test_pictures_of_one_value_hold_no_face(level, models_folder, tmp_path):
    session = Session(temp=tmp_path / "temp", models=models_folder)
    with using(session), pytest.raises(FaceNotFoundError) as caught:
        PortraitFromImage.execute(torch.full((1, 64, 64, 3), level), 0, False)
    assert_one_sentence(caught.value)
    assert not (tmp_path / "temp").exists()


def sound(channels: int, rate: int, seconds: float = 0.4, value: float | None = None) -> dict:
    generator = torch.Generator().manual_seed(1)
    wave = torch.randn(1, channels, round(rate * seconds), generator=generator) * 0.1
    return {"waveform": wave if value is None else torch.full_like(wave, value), "sample_rate": rate}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("audio", "frames"),
    [
        (sound(1, 16_000, value=0.0), 10),
        (sound(1, 16_000, seconds=0.01), 1),
        (sound(8, 44_100), 10),
        (sound(1, 8_000), 10),
        (sound(2, 192_000), 10),
        (sound(1, 16_000, value=1e30), 10),
    ],
)
def test_odd_sounds_become_a_motion(audio, frames, monkeypatch):
    for name in ("librosa", "numba", "cv2"):  # nothing of these is needed to listen
        monkeypatch.setitem(sys.modules, name, None)
    motion = AudioToMotion.execute(audio, *SETTINGS).result[0]
    assert len(motion) == frames and bool(torch.isfinite(motion.blendshapes).all())


@pytest.mark.parametrize(
    "audio",
    [
        None,
        sound(1, 16_000, value=float("nan")),
        sound(2, 16_000, value=float("inf")),
        sound(1, 16_000, seconds=0.0),
        sound(9, 16_000),
        sound(1, 16_000) | {"sample_rate": float("nan")},
        sound(1, 16_000) | {"sample_rate": 10},
        {"waveform": None, "sample_rate": 16_000},
    ],
)
def test_sounds_that_cannot_be_used(audio, tmp_path):
    with pytest.raises(AudioError) as caught:
        AudioToMotion.execute(audio, *SETTINGS)
    assert_one_sentence(caught.value)
    if audio is not None and audio["waveform"] is not None and audio["waveform"].numel():
        with using(Session(output=tmp_path)), pytest.raises(AudioError) as caught:
            VideoCombine.execute(torch.rand(2, 16, 16, 3), 25.0, "clip", "mp4", 80, False, audio)
        assert_one_sentence(caught.value)
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0WAVE", b"I am not a sound" * 99])
def test_sound_files_that_cannot_be_read(place, capsys, content):
    (place / "input" / "tone.wav").write_bytes(content)
    assert_refused(capsys, place, command(place, saving(audio=["2", 0])), "Load Audio", "tone.wav")


def test_zero_frames(tmp_path):
    with using(Session(output=tmp_path)), pytest.raises(RenderError) as caught:
        VideoCombine.execute(torch.zeros(0, 16, 16, 3), 25.0, "clip", "mp4", 80, False)
    assert_one_sentence(caught.value)
    assert os.listdir(tmp_path) == []
    with pytest.raises(MotionError) as caught:
        Motion.still(0)
    assert_one_sentence(caught.value)


def test_an_output_folder_that_is_missing_is_made(place, capsys):
    assert command(place, saving(filename_prefix="a/b/clip", audio=["2", 0])) == 0
    (made,) = (place / "output" / "a" / "b").iterdir()
    assert capsys.readouterr().out.strip() == str(made)


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("call", ["mkdir", "open", "replace"])
def test_an_output_folder_that_fails(place, capsys, monkeypatch, code, call):
    def refused(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path if call == "mkdir" else part_files.os, call, refused)
    failed = command(place, saving())
    monkeypatch.undo()
    assert_refused(capsys, place, failed, os.strerror(code), "Video Combine")


def test_a_disk_that_fills_up_while_a_video_is_written(place, capsys, monkeypatch):
    from real3d_core.video.container_writer import ContainerWriter, output_errors

    def full(self, picture):
        with output_errors(Path("clip.mp4")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ContainerWriter, "write", full)
    assert_refused(capsys, place, command(place, saving()), "No space left", "free space")


OUTSIDE = (
    "../secret.png", "/etc/passwd", "\\\\server\\share\\x.png", "C:\\x.png", "C:x", "a/../../x", "x\0.png",
    "link", "nul", "con.png", "aux/x", "x" * 300, "\ud800",
)  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("where", ["LoadImage", "LoadAudio", "R3DP_LoadPortrait", "filename_prefix"])
def test_paths_of_a_shared_workflow_stay_in_the_folders(place, capsys, name, where):
    (place / "secret.png").write_bytes((place / "input" / "small.png").read_bytes())
    os.symlink(place / "secret.png", place / "input" / "link")
    (place / "output").mkdir()
    os.symlink(place, place / "output" / "link")
    if where == "filename_prefix":
        workflow = saving(filename_prefix="link/x" if name == "link" else name)
    elif where == "R3DP_LoadPortrait":
        workflow = portrait(name)
    else:
        workflow = saving(audio=["2", 0])
        workflow["1" if where == "LoadImage" else "2"]["inputs"] = {
            "image" if where == "LoadImage" else "audio": name
        }
    before = set(place.iterdir())
    code = command(place, workflow)
    (place / "output" / "link").unlink()
    assert_refused(capsys, place, code)
    assert set(place.iterdir()) - before <= {place / "workflow.json", place / "temp"}


def test_face_nets_that_are_missing_or_damaged(place, astronaut, nets_folder, capsys, monkeypatch):
    Image.fromarray(astronaut).save(place / "input" / "me.png")
    models = place / "models"
    assert_refused(
        capsys, place, command(place, portrait("me.png"), models=models), "is not in", "quickstart.py nets"
    )

    def unreachable(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    fetching = command(place, portrait("me.png", fetch_nets=True), models=models)
    assert_refused(capsys, place, fetching, "could not be fetched", "no route to host")
    assert not [path for path in models.rglob("*") if path.is_file()]
    folder = models / "real3d_portrait"
    shutil.copytree(nets_folder, folder, dirs_exist_ok=True)
    (folder / FACE_LANDMARKER.name).write_bytes(b"PK\x03\x04 cut short")
    assert_refused(
        capsys, place, command(place, portrait("me.png"), models=models), "cannot be used", "delete it"
    )
    (folder / FACE_LANDMARKER.name).unlink()
    if (folder / DETECTOR.name).is_file():
        (folder / DETECTOR.name).write_bytes(bytes(1000))
        assert_refused(capsys, place, command(place, portrait("me.png"), models=models), "cannot be used")


@pytest.mark.parametrize(
    "module", [None, SimpleNamespace(), SimpleNamespace(__version__="4.5", dnn=SimpleNamespace(readNet=1))]
)
def test_opencv_that_is_missing_or_broken(place, astronaut, models_folder, capsys, monkeypatch, module):
    Image.fromarray(astronaut).save(place / "input" / "me.png")
    monkeypatch.setitem(sys.modules, "cv2", module)
    code = command(place, portrait("me.png"), models=models_folder)
    assert_refused(capsys, place, code, "cv2", "pip install")


def wrong(change) -> dict:
    workflow = saving(audio=["2", 0])
    change(workflow)
    return workflow


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w["1"].update(class_type="KSampler"), ["KSampler", "cannot run"]),
        (lambda w: w["3"]["inputs"].update(images=["2", 0]), ["needs IMAGE,VIDEO", "gives AUDIO"]),
        (lambda w: w["3"]["inputs"].pop("images"), ["lacks its input images"]),
        (lambda w: w["3"]["inputs"].update(images=["3", 0]), ["circle"]),
        (lambda w: w["3"]["inputs"].update(images=["9", 0]), ["does not exist"]),
        (lambda w: w["3"]["inputs"].update(images=["1", 5]), ["output 5"]),
        (lambda w: w["3"]["inputs"].update(fps="fast"), ["a number"]),
        (lambda w: w["3"]["inputs"].update(quality=1000), ["above its maximum"]),
        (lambda w: w["3"]["inputs"].update(format="avi"), ["'avi'"]),
        (lambda w: w.pop("3"), ["saves and shows nothing"]),
        (lambda w: w.clear(), ["no workflow"]),
        (lambda w: w.update({"7": "node"}), ["is no node"]),
    ],
)
def test_workflows_that_cannot_be_run(place, capsys, change, words):
    assert_refused(capsys, place, command(place, wrong(change)), *words)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe\0", b'{"nodes": [{}]}', b"[" * 100_000])
def test_files_that_are_no_workflow(place, capsys, text):
    file = place / "broken.json"
    file.write_bytes(text)
    assert_refused(capsys, place, main([str(file), f"--output-folder={place / 'output'}"]))
    assert_refused(capsys, place, main([str(place / "absent.json")]), "cannot be read")
    assert_refused(capsys, place, main([str(place)]), "cannot be read")
