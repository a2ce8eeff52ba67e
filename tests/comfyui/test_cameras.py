"""The camera of core's own 3D node moves the head, and core's Save Video keeps what Stereo tells players."""

from tests.frame_packing import frame_packing

from .graphs import combine, graph, head, save_video
from .test_run import saved

# As the 3D viewer's widget gives it to the server.
CAMERA = {
    "position": {"x": 1.0, "y": 1.0, "z": 3.0},
    "target": {"x": 0, "y": 1.0, "z": 0},
    "zoom": 1,
    "cameraType": "perspective",
}


def seen_by_the_viewer(server, **stereo):
    """A still head under Load3D's camera, for two eyes."""
    models = server.base / "input" / "3d"
    models.mkdir(exist_ok=True)
    (models / "cube.glb").write_bytes(b"glTF")  # the server does not look into it
    viewer = {"image": "astronaut.png", "mask": "astronaut.png", "normal": "astronaut.png", "recording": ""}
    loaded = {
        "model_file": "3d/cube.glb",
        "image": viewer | {"camera_info": CAMERA},
        "width": 64,
        "height": 64,
    }
    inputs = {
        "head": ["head", 0],
        "portrait": ["portrait", 0],
        "layout": "side by side",
        "deliver": "video on demand",
        "eye_distance": 0.1,
        "convergence": 0.2,
        "background_depth": 0.8,
        "swap_eyes": False,
    }
    made = head(audio=None) | graph(
        viewer=("Load3D", loaded),
        camera=("R3DP_CameraFromLoad3D", {"camera_info": ["viewer", 4], "distance": 0.0, "limit": True}),
        pair=("R3DP_Stereo", inputs | stereo),
    )
    made["head"]["inputs"]["camera"] = ["camera", 0]
    return made


def test_load_3d_s_camera_and_a_stereo_pair(server):
    made = seen_by_the_viewer(server) | combine(["pair", 1]) | save_video(["pair", 1], "core")
    run = server.run(made)
    assert run.error is None
    assert run.outputs["camera"]["images"] and run.outputs["pair"]["text"]
    for node in ("combine", "core"):
        assert frame_packing(saved(server, run, node)) == 3


def test_a_pair_at_once(server):
    made = seen_by_the_viewer(server, deliver="images", layout="over-under") | combine(
        ["pair", 1], format="webm"
    )
    run = server.run(made)
    assert run.error is None
    path = saved(server, run, "combine")
    assert b"\x53\xb8\x81\x03" in path.read_bytes()  # Matroska's StereoMode: top and bottom, left first
