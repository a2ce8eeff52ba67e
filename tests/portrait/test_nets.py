from __future__ import annotations

import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from real3d_core.errors import DependencyError, FaceNetsError
from real3d_core.portrait.net_files import DETECTOR, FACE_LANDMARKER, FACE_LANDMARKER_URL, MESH
from real3d_core.portrait.nets import FaceNets, load_face_nets, opencv


def test_missing_nets_are_named_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(FaceNetsError) as caught:
        load_face_nets([tmp_path])
    for part in (FACE_LANDMARKER.name, MESH.name, str(tmp_path), FACE_LANDMARKER_URL, "quickstart.py nets"):
        assert part in str(caught.value)


def test_truncated_net_is_refused(tmp_path: Path, nets_folder: Path) -> None:
    for net in (DETECTOR, MESH):
        (tmp_path / net.name).write_bytes((nets_folder / net.name).read_bytes()[:100_000])
    with pytest.raises(FaceNetsError, match="delete it"):
        load_face_nets([tmp_path])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", None])
def test_damaged_task_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / FACE_LANDMARKER.name
    if content is None:  # a zip of something else
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
    else:
        path.write_bytes(content)
    with pytest.raises(FaceNetsError, match=r"face_landmarker\.task cannot be used"):
        load_face_nets([tmp_path])


def test_folder_with_letters_of_other_scripts(tmp_path: Path, nets_folder: Path, nets: FaceNets) -> None:
    folder = tmp_path / "Modèles 模型"
    shutil.copytree(nets_folder, folder)
    picture = np.random.default_rng(0).random((128, 128, 3), np.float32)
    for one, other in zip(nets.detector(picture), load_face_nets([folder]).detector(picture), strict=True):
        np.testing.assert_array_equal(one, other)


def test_broken_opencv_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(DependencyError, match="pip install"):
        opencv()
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace())  # two flavours installed over one another
    with pytest.raises(DependencyError, match="readNetFromTFLite"):
        opencv()


def test_threads_get_the_same_answers(nets: FaceNets) -> None:
    pictures = [np.random.default_rng(seed).random((192, 192, 3), np.float32) for seed in range(6)]
    alone = [nets.mesh(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(nets.mesh, pictures))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
