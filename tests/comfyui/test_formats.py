"""Video Combine's formats in a server: saved, shown, served, with the workflow inside."""

import json
import os
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from real3d_core.video.format_files import format_names, load_format

from .graphs import graph
from .server import ComfyServer


def stills(server: ComfyServer, name: str, **changes):
    """A few frames of a core node, with sound and, where it can be, alpha."""
    inputs = {"images": ["batch", 0], "fps": 25.0, "filename_prefix": f"formats/{name}", "format": name}
    inputs |= {"quality": 60, "save_metadata": True, "audio": ["sound", 0], "length": "longest"}
    if load_format(name).alpha is not None:
        inputs["alpha"] = ["opacity", 0]
    made = graph(
        picture=("LoadImage", {"image": "astronaut.png"}),
        batch=("RepeatImageBatch", {"image": ["picture", 0], "amount": 4}),
        opacity=("SolidMask", {"value": 0.5, "width": 32, "height": 32}),
        sound=("LoadAudio", {"audio": "short.wav"}),
        save=("R3DP_VideoCombine", inputs | changes),
    )
    if "alpha" not in inputs:
        del made["opacity"]
    return made


@pytest.mark.parametrize("name", format_names())
def test_a_format_in_the_server(server, name):
    run = server.run(stills(server, name))
    assert run.error is None
    shown = run.outputs["save"]
    for entry in shown["images"]:
        query = urlencode({key: entry[key] for key in ("filename", "subfolder", "type")})
        with urlopen(f"{server.url}/view?{query}") as answer:
            assert answer.status == 200 and answer.read(16)
    kind = load_format(name)
    (saved,) = shown.get("saved", shown["images"])
    (path,) = (one for one in server.base.rglob(saved["filename"]) if one.parent.name == "formats")
    assert path.is_dir() == kind.is_folder
    if kind.is_folder:
        assert len(list(path.glob("*.png"))) == 10 and (path / "sound.wav").is_file()
        return
    import av

    with av.open(os.fspath(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 10  # as long as the sound
        tags = {key.lower(): value for key, value in file.metadata.items()}
    if name != "gif":
        assert "save" in json.loads(tags["prompt"])


def test_mp4_refuses_alpha_in_a_sentence(server):
    made = stills(server, "webm", format="mp4")
    run = server.finish(server.start(made))
    assert "mp4 cannot be transparent; choose gif, mov, png, webm" in run.error
