"""Brings the face nets: out of a wheel that pip downloads, or else as Google's one official file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from real3d_core.errors import FaceNetsError
from real3d_core.portrait import net_files

from .console import QuickstartError, pip, run, say

WHEEL_SYSTEMS = ("manylinux_2_28_x86_64", "win_amd64", "macosx_11_0_universal2")
"""The nets are data and the same in every wheel, so the wheel need not fit this machine: any will do."""


def get_nets(folder: Path, python: Path | str) -> None:
    """Puts the face nets into `folder` with the pip of `python`; nets that are there and intact stay.

    Raises QuickstartError if neither the package index nor Google's server can be reached.
    """
    if not net_files.missing_nets(folder):
        say(f"      already there: {folder}")
        return
    try:
        with tempfile.TemporaryDirectory(prefix="real3d-") as wheels:
            wheel = download_wheel(net_files.WHEEL_REQUIREMENT, Path(wheels), python)
            net_files.extract_from_wheel(wheel, folder)
    except (QuickstartError, FaceNetsError) as error:
        say(f"      {error}\n      Trying {net_files.FACE_LANDMARKER_URL} (4 MB) instead.")
        try:
            net_files.fetch_face_landmarker(folder)
        except FaceNetsError as second:
            raise QuickstartError(str(second)) from second
    say(f"      in {folder}")


def download_wheel(requirement: str, folder: Path, python: Path | str) -> Path:
    """Downloads one wheel into `folder`, whatever Python it was made for; nothing of it is ever run."""
    systems = [part for system in WHEEL_SYSTEMS for part in ("--platform", system)]
    asked = ["--no-deps", "--only-binary=:all:", "--python-version", "3.11", *systems, "--dest", folder]
    if run([*pip(python, "download"), *asked, requirement]) != 0:
        raise QuickstartError(
            f"`pip download --no-deps {requirement}` failed (the lines above say why; a Python without pip"
            " gets one by `python -m ensurepip`)."
        )
    return next(folder.glob("*.whl"))
