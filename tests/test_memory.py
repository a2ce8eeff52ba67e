"""Memory does not grow with the clip. Peaks are those of processes of their own, which have no other past."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MEGABYTE = {"darwin": 2**20}.get(sys.platform, 2**10)  # of ru_maxrss
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the peak of a process's memory")

# ru_maxrss counts what the starting process had before exec; Linux tells the peak of this program alone.
PEAK = """
import re, resource, sys
from pathlib import Path
def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""


def printed(script, *arguments):
    """What a script prints, as numbers."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK + script, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


MOTION = """
from pathlib import Path
import torch
from skimage import data
from real3d_core.htb_sr import htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.portrait.nets import load_face_nets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.stereo import StereoSettings, stereo_frames
from real3d_core.streaming import iterate_frames
from real3d_core.wires import Camera, HeadRender, Motion, RenderSettings

portrait = prepare_portrait(data.astronaut(), load_face_nets([Path(sys.argv[1])]))
still = image_to_plane(portrait, Model.built_in())

def three_chunks(frames):
    generator = torch.Generator().manual_seed(0)
    def rows(count, size):
        return torch.rand(frames, count, generator=generator) * size
    motion = Motion(25.0, rows(52, 0.3), rows(3, 0.1), rows(3, 0.01))
    head = HeadRender(motion_adapter(still, portrait, motion), Camera.front(), RenderSettings())
    source = htb_sr(head, portrait)
    assert len(source) == frames
    shapes = [tuple(chunk.shape) for chunk in iterate_frames(source, 0, 6, chunk=2, workers=2)]
    assert shapes == [(2, 512, 512, 3)] * 3
    eyes = stereo_frames(head, portrait, StereoSettings())
    shapes = [tuple(chunk.shape) for chunk in iterate_frames(eyes, 0, 2, workers=2)]
    assert shapes == [(1, 512, 1024, 3)] * 2

with torch.inference_mode():
    three_chunks(250)
    short = peak()
    three_chunks(15_000)
print(short, peak())
"""


def test_the_first_chunks_of_ten_minutes_take_what_those_of_ten_seconds_take(nets_folder):
    short, long = printed(MOTION, nets_folder)
    assert long <= 1.15 * short
    assert long - short < 40 * MEGABYTE  # ten minutes as pictures would be 47,000
    assert long < 1500 * MEGABYTE


FORMAT = """
import numpy as np
from real3d_core.video.encoder import encode
from real3d_core.video.format_files import load_format
kind, folder = load_format(sys.argv[1]), sys.argv[2]
y, x = np.mgrid[:256, :256]  # many colours, which ffmpeg's filters remember one by one
def frames(count):
    for i in range(count):
        yield np.stack([x, y, (x + y + 3 * i) % 256, np.full_like(x, 255)], axis=2).astype(np.uint8)
encode(f"{folder}/short{kind.ending}", frames(30), 25, kind=kind)
short = peak()
encode(f"{folder}/long{kind.ending}", frames(230), 25, kind=kind)
print(short, peak())
"""


@pytest.mark.parametrize("name", ["gif", "webm"])
def test_a_format_keeps_no_frames(tmp_path, name):
    short, long = printed(FORMAT, name, tmp_path)
    assert long - short < 25 * MEGABYTE  # 200 more frames would be 52; the colours met are remembered
