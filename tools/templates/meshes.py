"""A template that makes a 3D model of the head."""

from __future__ import annotations

from .flow import Flow
from .parts import OTHERS, RESULT, plane

PICTURES, FPS = 96, 24.0  # four seconds for one turn


def turntable_mesh() -> Flow:
    flow = Flow("turntable_mesh")
    flow.column()
    flow.group("1  Portrait")
    portrait = flow.add("R3DP_LoadPortrait")["portrait"]
    flow.column()
    flow.group("2  Head", OTHERS)
    planes = plane(flow, portrait)
    flow.note()
    flow.column()
    flow.group("3  Mesh", RESULT)
    mesh = flow.add(
        "R3DP_HeadMesh",
        {"triplane": planes["triplane"], "portrait": portrait, "turntable": PICTURES},
    )
    flow.group("4  A file for other programs", RESULT)
    file = flow.add("R3DP_SaveMesh", {"mesh": mesh["mesh"]})
    flow.column(400)
    flow.group("5  A film of it turning", RESULT)
    flow.add(
        "R3DP_VideoCombine",
        {"images": mesh["turntable"], "fps": FPS, "filename_prefix": "Real3D/turntable"},
    )
    flow.group("6  The file in 3D", RESULT)
    flow.add("Preview3D", {"model_file": file["model_file"]})
    return flow
