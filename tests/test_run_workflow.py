"""run_workflow.py: settings, the template, errors, outputs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from real3d_core.errors import WorkflowError
from real3d_portrait.nodes import LoadPortrait
from real3d_portrait.nodes.headless.command import main
from real3d_portrait.nodes.headless.execute import run
from real3d_portrait.nodes.headless.graph import Registry, read_workflow
from real3d_portrait.nodes.headless.session import Session, using
from real3d_portrait.nodes.headless.settings import apply_settings
from real3d_portrait.nodes.headless.ui_format import graph_of_ui
from real3d_portrait.nodes.headless.validate import checked

from .nodes.toys import TOYS, api, canvas

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "workflows" / "talking_portrait.json"


def test_settings_find_nodes_by_id_and_title(tmp_path):
    graph = graph_of_ui(
        canvas((1, "Number", {}, [7], {}), (2, "Number", {}, [7], {"title": "v1.2 odd"})), TOYS
    )
    changed = apply_settings(graph, ["A Number.factor=0.5", "1.seed=3", "V1.2 Odd.seed=4"], TOYS).graph
    assert changed.nodes["1"].inputs["factor"] == 0.5 and changed.nodes["1"].inputs["seed"] == 3
    assert changed.nodes["2"].inputs["seed"] == 4
    assert graph.nodes["1"].inputs["seed"] == 7


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("nonsense", "NODE.INPUT=VALUE"),
        ("seed=3", "NODE.INPUT=VALUE"),
        ("Somebody.seed=3", "No node of the workflow is called 'Somebody'"),
        ("Twin.seed=3", "Several nodes are called 'Twin'"),
        ("1.speed=3", "has no input 'speed'"),
        ("1.seed=many", "a whole number"),
        ("1.seed=99", "maximum of 10"),
        ("1.how=twice", "not one of its choices"),
        ("4.value=1", "has no input 'value' to set"),
    ],
)
def test_settings_that_do_not_fit_are_refused(setting, words):
    title = {"title": "Twin"}
    graph = graph_of_ui(
        canvas(
            (1, "Number", {}, [7], {}),
            (2, "Number", {}, [7], title),
            (3, "Number", {}, [7], title),
            (4, "Show", {}, [], {}),
        ),
        TOYS,
    )
    with pytest.raises(WorkflowError, match=words):
        apply_settings(graph, [setting], TOYS)


def template():
    return read_workflow(TEMPLATE, Registry.standard())


def test_the_template_is_a_whole_graph(tmp_path):
    graph = template()
    titles = {node.title for node in graph.nodes.values()}
    assert {"Load Portrait", "Load Audio", "Image-to-Plane", "Audio-to-Motion", "Motion Adapter"} <= titles
    assert {"Render Triplane", "HTB-SR", "Video Combine"} <= titles
    (tmp_path / "astronaut.png").touch()
    (tmp_path / "real3d_speech.flac").touch()
    with using(Session(input=tmp_path)):
        ready = checked(graph, Registry.standard())
    htb_sr = next(node for node in ready.nodes.values() if node.title == "HTB-SR")
    assert htb_sr.inputs["deliver"] == "video on demand"
    audio = next(node for node in ready.nodes.values() if node.title == "Audio-to-Motion")
    assert (audio.inputs["seed"], audio.inputs["fps"]) == (0, 25.0)


def test_the_template_opens_in_the_template_browser():
    data = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    by_id = {node["id"]: node for node in data["nodes"]}
    assert max(by_id) == data["last_node_id"]
    assert max(link[0] for link in data["links"]) == data["last_link_id"]
    for number, source, slot, target, target_slot, kind in data["links"]:
        output, socket = by_id[source]["outputs"][slot], by_id[target]["inputs"][target_slot]
        assert number in output["links"] and socket["link"] == number
        assert output["type"] == kind and kind in socket["type"].split(",")
    for node in data["nodes"]:
        for socket in node["inputs"]:
            assert socket["link"] is None or any(link[0] == socket["link"] for link in data["links"])


def test_a_list_left_alone_starts_with_its_first_file(tmp_path):
    """The template names no files: on the canvas that would mark a fresh ComfyUI's nodes red."""
    graph = template()
    for name in ("b.png", "a.png", "c.wav"):
        (tmp_path / name).touch()
    with using(Session(input=tmp_path)):
        ready = checked(graph, Registry.standard())
    chosen = {node.title: node.inputs for node in ready.nodes.values()}
    assert chosen["Load Portrait"]["image"] == "a.png" and chosen["Load Audio"]["audio"] == "c.wav"
    (tmp_path / "c.wav").unlink()
    with using(Session(input=tmp_path)), pytest.raises(WorkflowError, match=r"file to choose for Load Audio"):
        checked(graph, Registry.standard())
    for nothing in ("", None):
        assert "No picture is chosen" in LoadPortrait.validate_inputs(nothing)


def test_the_same_graph_in_api_format_is_the_same(tmp_path):
    graph = template()
    file = tmp_path / "api.json"
    file.write_text(json.dumps({"prompt": graph.prompt()}))
    assert read_workflow(file, Registry.standard()).nodes == graph.nodes


def test_typed_paths_are_trusted_and_stay_private(tmp_path):
    photo = tmp_path / "me.png"
    photo.touch()
    changed = apply_settings(template(), [f"Load Portrait.image={photo}"], Registry.standard())
    assert changed.trusted == {str(photo)}
    assert str(tmp_path) not in json.dumps(changed.graph.prompt(changed.trusted))
    assert apply_settings(template(), ["Load Portrait.image=x.png"], Registry.standard()).trusted == set()


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "\\\\server\\x.png"])
def test_a_shared_workflow_cannot_reach_out_of_the_folders(tmp_path, name):
    (tmp_path / "secret.png").touch()
    graph = template()
    loader = next(node for node in graph.nodes.values() if node.title == "Load Portrait")
    with using(Session(input=tmp_path / "input")), pytest.raises(WorkflowError, match="leaves the folder"):
        checked(graph.with_node(loader.with_input("image", name)), Registry.standard())


def command(*arguments, folder):
    return main([*map(str, arguments), *(f"--{n}-folder={folder / n}" for n in ("input", "output", "temp"))])


def test_list_names_every_node(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for kind in ("R3DP_HTBSR", "LoadImage", "LoadAudio", "PreviewImage", "SaveVideo", "GetVideoComponents"):
        assert any(line.startswith(kind) for line in lines)
    assert any("Image-to-Plane" in line for line in lines)


def test_errors_are_one_sentence_on_stderr(tmp_path, capsys):
    assert command(TEMPLATE, folder=tmp_path) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith("error: ") and "Traceback" not in err and "There is no file" in err
    assert command(tmp_path / "nothing.json", folder=tmp_path) == 1
    assert "cannot be read" in capsys.readouterr().err
    with pytest.raises(WorkflowError):
        command(TEMPLATE, "--debug", folder=tmp_path)


def write_pictures_workflow(file: Path, *saving) -> None:
    """Still pictures to video: needs neither a face nor a sound."""
    nodes = {"1": {"class_type": "LoadImage", "inputs": {"image": "p.png"}}}
    for index, kind in enumerate(saving):
        inputs = {"images": ["1", 0], "filename_prefix": "sub/still", "fps": 25}
        nodes[f"s{index}"] = {"class_type": kind, "inputs": inputs}
    file.write_text(json.dumps(nodes))


@pytest.fixture
def still(tmp_path):
    from PIL import Image

    (tmp_path / "input").mkdir()
    Image.new("RGBA", (40, 30), (255, 0, 0, 128)).save(tmp_path / "input" / "p.png")
    return tmp_path / "still.json"


def test_results_go_where_they_are_told_to(still, tmp_path, capsys):
    write_pictures_workflow(still, "R3DP_VideoCombine", "PreviewImage")
    assert command(still, folder=tmp_path) == 0
    numbered = Path(capsys.readouterr().out.strip())
    assert numbered == tmp_path / "output" / "sub" / "still_00001_.mp4" and numbered.is_file()
    assert len(list((tmp_path / "temp").glob("preview_*.png"))) == 1
    chosen = tmp_path / "elsewhere" / "x.mp4"
    assert command(still, "--output", chosen, folder=tmp_path) == 0
    assert chosen.is_file() and capsys.readouterr().out.strip() == str(chosen)
    assert command(still, "--output", tmp_path / "x.avi", folder=tmp_path) == 1
    assert "must end in .mp4" in capsys.readouterr().err


def test_the_chosen_file_fits_the_format(still, tmp_path, capsys):
    write_pictures_workflow(still, "R3DP_VideoCombine")
    for name, good, bad, words in (
        ("webm", "x.webm", "x.mp4", "must end in .webm"),
        ("gif", "x.GIF", "x", "must end in .gif"),
        ("png", "x", "x.png", "must be a new folder"),
    ):
        setting = f"--set=Video Combine.format={name}"
        assert command(still, setting, "--output", tmp_path / bad, folder=tmp_path) == 1
        assert words in capsys.readouterr().err
        assert command(still, setting, "--output", tmp_path / good, folder=tmp_path) == 0
        assert (tmp_path / good).exists() and capsys.readouterr().out.strip() == str(tmp_path / good)
    assert command(still, "--set=Video Combine.format=png", "--output", tmp_path / "x", folder=tmp_path) == 1
    assert "a folder already" in capsys.readouterr().err


def test_one_output_file_for_two_results_is_refused(still, tmp_path, capsys):
    write_pictures_workflow(still, "R3DP_VideoCombine", "R3DP_VideoCombine")
    assert command(still, "--output", tmp_path / "x.mp4", folder=tmp_path) == 1
    assert "saves by" in capsys.readouterr().err
    assert not (tmp_path / "x.mp4").exists()


def test_core_nodes_stand_in(still, tmp_path):
    graph = api(
        i=("LoadImage", {"image": "p.png"}),
        c=("R3DP_VideoCombine", {"images": ["i", 0]}),
        g=("GetVideoComponents", {"video": ["c", 0]}),
        s=("SaveVideo", {"video": ["c", 0], "filename_prefix": "again", "format": "mp4"}),
        p=("PreviewImage", {"images": ["g", 0]}),
    )
    with using(Session(tmp_path / "input", tmp_path / "output", tmp_path / "temp")):
        result = run(graph)
    image, mask = result.value("i"), result.value("i", 1)
    assert image.shape == (1, 30, 40, 3) and mask.shape == (1, 30, 40)
    assert (mask - 127 / 255).abs().max() < 0.01
    assert result.value("g").shape == (1, 30, 40, 3)
    assert [result.value("g", i) for i in range(1, 5)] == [None, 25.0, 8, "sRGB"]
    assert [path.name for path in result.saved] == ["talking_00001_.mp4", "again_00001_.mp4"]
    assert (result.value("g")[0, 15, 20] - torch.tensor([1.0, 0.5, 0.5])).abs().max() < 0.5


def test_the_script_runs_from_anywhere(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "run_workflow.py", "--list"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "R3DP_LoadPortrait" in done.stdout and done.stderr == ""


def test_the_benchmark_times_each_part(tmp_path, capsys, astronaut, models_folder):
    from PIL import Image

    (tmp_path / "input").mkdir()
    Image.fromarray(astronaut).save(tmp_path / "input" / "astronaut.png")
    speech = ROOT / "demo" / "speech.flac"
    figures = tmp_path / "figures.json"
    short = ("--frames=4", "--runs=1", "--plain-frames=1", f"--json={figures}", f"--models={models_folder}")
    assert command(TEMPLATE, "--benchmark", f"--set=Load Audio.audio={speech}", *short, folder=tmp_path) == 0
    assert "the fast sampler is faster by" in capsys.readouterr().out
    told = json.loads(figures.read_text())
    assert told["frames"] == 4 and told["runs"] == 1
    assert 0 < told["per_frame"] < told["end_to_end"]
    assert told["times_faster"] == pytest.approx(told["plain_per_frame"] / told["per_frame"], rel=0.01)
    assert told["nodes"]["Video Combine"] == pytest.approx(4 * told["per_frame"], rel=0.01)
    assert told["machine"]["cores"] and told["stages"]["video"] > 0
    assert not list((tmp_path / "output").rglob("*.mp4"))
    assert not (tmp_path / "temp" / "benchmark").exists()
