"""The face nets and the demo portrait, shared by the tests of the portrait stage."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from real3d_core.portrait.faces import Face, find_faces
from real3d_core.portrait.net_files import have_landmark_nets
from real3d_core.portrait.nets import FaceNets, load_face_nets
from real3d_core.portrait.prepare import prepare_portrait
from real3d_core.wires import Portrait

MODELS = Path(__file__).resolve().parents[2] / "models" / "real3d_portrait"


@pytest.fixture(scope="session")
def nets_folder() -> Path:
    folder = Path(os.environ.get("R3DP_MODELS_DIR", MODELS))
    if not have_landmark_nets([folder]):
        pytest.skip(f"no face nets in {folder}: python quickstart.py nets --models {folder}")
    return folder


@pytest.fixture(scope="session")
def nets(nets_folder: Path) -> FaceNets:
    return load_face_nets([nets_folder])


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    data = pytest.importorskip("skimage.data")
    photo = data.astronaut()
    photo.flags.writeable = False  # no stage may write into its input
    return photo


@pytest.fixture(scope="session")
def face(astronaut: np.ndarray, nets: FaceNets) -> Face:
    return find_faces(astronaut, nets)[0]


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray, nets: FaceNets) -> Portrait:
    return prepare_portrait(astronaut, nets)
