"""Loads the pack once, as ComfyUI does: as a package found by its path, under the name `real3d_portrait`.

Tests say `real3d_portrait.nodes...` for the nodes and, for short, `real3d_core...` for the core; both reach
the one copy of each module that the package holds, so classes compare equal wherever they were imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

    from real3d_core.portrait.faces import Face
    from real3d_core.portrait.nets import FaceNets
    from real3d_core.wires import Portrait

    from .bfm_making import SyntheticBfm

PACK = "real3d_portrait"
ROOT = Path(__file__).resolve().parent.parent


def load_pack() -> None:
    """Imports the repository as the package `real3d_portrait`, whatever its folder is called."""
    spec = importlib.util.spec_from_file_location(
        PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACK] = package
    spec.loader.exec_module(package)


class CoreAlias(MetaPathFinder, Loader):
    """Answers `real3d_core...` with the module `real3d_portrait.real3d_core...`."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "real3d_core":
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(f"{PACK}.{spec.name}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec into the module; relative imports need its own back.
        module.__spec__ = module.__spec__.loader_state


class RootIsNoTestPackage:
    """Keeps pytest from importing the pack's __init__.py by the name of the folder, which may be any."""

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Dir | None:
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(RootIsNoTestPackage())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that run in one process where pytest-xdist runs several: a file's share fixtures, and those of
    tests/comfyui the server.
    """
    if config.pluginmanager.hasplugin("xdist"):
        folder = ROOT / "tests" / "comfyui"
        for item in items:
            group = folder if folder in item.path.parents else item.path
            item.add_marker(pytest.mark.xdist_group(str(group.relative_to(ROOT))))


processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if processes > 1:  # before anybody imports torch: threads of two processes on the same core are slower
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))

if PACK not in sys.modules:
    load_pack()
    sys.meta_path.insert(0, CoreAlias())


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder that holds `real3d_portrait/` with the face nets: R3DP_MODELS, else the pack's `models/`."""
    folder = Path(os.environ.get("R3DP_MODELS", ROOT / "models"))
    net_files = importlib.import_module(f"{PACK}.real3d_core.portrait.net_files")
    if not net_files.have_landmark_nets([folder / "real3d_portrait"]):
        pytest.skip("no face nets: `python quickstart.py nets` fetches them")
    return folder


@pytest.fixture(scope="session")
def nets_folder(models_folder: Path) -> Path:
    """The folder of the face nets' files."""
    return models_folder / "real3d_portrait"


@pytest.fixture(scope="session")
def nets(nets_folder: Path) -> FaceNets:
    """The face nets, loaded."""
    from real3d_core.portrait.nets import load_face_nets

    return load_face_nets([nets_folder])


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """uint8 [512, 512, 3]: the demo photo. Read-only, because no stage may write into its input."""
    data = pytest.importorskip("skimage.data", reason="the demo photo comes with scikit-image")
    photo = data.astronaut()
    photo.flags.writeable = False
    return photo


@pytest.fixture(scope="session")
def face(astronaut: np.ndarray, nets: FaceNets) -> Face:
    """The demo photo's face."""
    from real3d_core.portrait.faces import find_faces

    return find_faces(astronaut, nets)[0]


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray, nets: FaceNets) -> Portrait:
    """The demo portrait, prepared."""
    from real3d_core.portrait.prepare import prepare_portrait

    return prepare_portrait(astronaut, nets)


@pytest.fixture(scope="session")
def bfm() -> SyntheticBfm:
    """A face model in the layout of the real one, which cannot be had."""
    from .bfm_making import synthetic_bfm

    return synthetic_bfm()


@pytest.fixture(scope="session")
def face_model_files(bfm: SyntheticBfm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the face model's original files. Not to be changed."""
    from .checkpoints.making import write_face_model

    return write_face_model(tmp_path_factory.mktemp("bfm"), bfm).parent


@pytest.fixture(scope="session")
def face_model(face_model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The converted face model. Not to be changed."""
    from real3d_core.checkpoints import convert

    return convert(face_model_files, tmp_path_factory.mktemp("face_model")).path


@pytest.fixture(scope="session")
def released() -> dict[str, torch.Tensor]:
    """Every entry of the released portrait networks' layout, 592 MB."""
    from .checkpoints.making import entries_of

    return entries_of("secc2plane_torso")
