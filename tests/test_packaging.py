"""The repository as a package: requirements, registry archive, imports, and what must not be in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 450  # most are near 300; the wires are one table and stay together
SHIPPED = ("__init__.py", "run_workflow.py", "convert_model.py", "nodes", "real3d_core")
TEXT = {".py", ".js", ".md", ".toml", ".txt", ".json", ".yml", ".html", ""}


def git(*arguments: str) -> list[str]:
    """Lines of a git command."""
    answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return answer.stdout.splitlines()


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that git tracks and that is there."""
    return [ROOT / name for name in git("ls-files") if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def project() -> dict:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(name: str) -> list[str]:
    """The lines of a requirements file without comments."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def package(requirement: str) -> str:
    """The normalised name in a requirement."""
    return re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-")


def shipped_python(tracked: list[Path]) -> list[Path]:
    """The Python files that users of ComfyUI get."""
    return [file for file in tracked if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in SHIPPED]


def imported(file: Path) -> set[str]:
    """Top-level names of everything a file imports, wherever in it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.partition(".")[0] for name in names}


def test_requirements_are_pyproject_s_less_the_front_end(project: dict) -> None:
    dependencies = project["project"]["dependencies"]
    front_end = [item for item in dependencies if package(item) == "comfyui-frontend-package"]
    assert len(front_end) == 1
    assert requirements("requirements.txt") == [item for item in dependencies if item not in front_end]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-demo.txt", "requirements-dev.txt"])
def test_no_requirement_has_an_upper_limit_or_is_one_that_breaks_other_packs(name: str) -> None:
    forbidden = {"mediapipe", "torchvision", "torchaudio", "numba", "insightface", "pytorch3d", "mmcv"}
    forbidden |= {"onnxruntime", "onnxruntime-gpu", "tensorflow", "opencv-python", "opencv-contrib-python"}
    for requirement in requirements(name):
        assert package(requirement) not in forbidden
        assert not re.search(r"<|==|~=|@|git\+", requirement), f"{requirement} shuts out a version"


def test_pytorch_and_the_image_packages_are_named_without_a_version() -> None:
    assert {"torch", "Pillow", "scipy"} <= set(requirements("requirements.txt"))


def test_the_registry_s_fields(project: dict) -> None:
    table, comfy = project["project"], project["tool"]["comfy"]
    assert table["name"] == "real3d-portrait"
    assert re.fullmatch(r"\d+\.\d+\.\d+", table["version"])
    assert (ROOT / table["license"]["file"]).read_text(encoding="utf-8").startswith("MIT License")
    assert table["requires-python"] == ">=3.10"
    assert table["urls"]["Repository"].startswith("https://")
    assert comfy["DisplayName"]
    assert comfy["PublisherId"]
    assert comfy["requires-comfyui"].startswith(">=")
    assert "web" not in comfy, "WEB_DIRECTORY is set as well: every script would run twice"


def test_every_import_of_the_pack_is_required_or_comfyui_s(tracked: list[Path]) -> None:
    renamed = {"opencv-python-headless": "cv2", "pillow": "PIL"}
    required = {renamed.get(name, name) for name in map(package, requirements("requirements.txt"))}
    comfyui = {"comfy", "comfy_api", "folder_paths", "nodes", "psutil", "yaml"}
    optional = {"sklearn"}  # librosa brings it
    allowed = required | comfyui | optional | {"real3d_core", "run_workflow"} | set(sys.stdlib_module_names)
    strange = {
        file.relative_to(ROOT).as_posix(): imported(file) - allowed for file in shipped_python(tracked)
    }
    assert not {name: modules for name, modules in strange.items() if modules}


def test_nothing_shipped_knows_what_is_not(tracked: list[Path]) -> None:
    for file in shipped_python(tracked):
        assert not imported(file) & {"bootstrap", "quickstart", "demo", "tests"}, file


def test_the_pack_starts_no_programs_and_runs_no_text_as_code(tracked: list[Path]) -> None:
    for file in shipped_python(tracked):
        assert not imported(file) & {"subprocess", "pip", "ensurepip"}, file
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), f"{file}:{node.lineno}"


def test_the_registry_archive_leaves_out_what_only_developers_need() -> None:
    left_out = set(git("ls-files", "--cached", "--ignored", "--exclude-from=.comfyignore"))
    kept = set(git("ls-files")) - left_out
    assert "quickstart.py" in left_out
    never = ("tests/", "demo/", "bootstrap/", ".ci/", ".github/", "docs/images/", "requirements-d", "tools/")
    assert not [name for name in kept if name.startswith(never)]
    always = {"__init__.py", "pyproject.toml", "requirements.txt", "LICENSE", "README.md", "docs/model.md"}
    assert always <= kept
    folders = {name.partition("/")[0] for name in kept if "/" in name}
    assert {"nodes", "real3d_core", "workflows", "subgraphs", "web", "locales"} <= folders


def test_no_file_names_a_place_on_one_machine(tracked: list[Path]) -> None:
    place = re.compile(r"(?<![\w.>}/-])/(?:work|farm|root|tmp|home|opt|Users)/|[A-Z]:\\\\?Users\\")
    for file in tracked:
        if file.suffix in TEXT and "tests" not in file.relative_to(ROOT).parts:
            found = place.search(file.read_text(encoding="utf-8"))
            assert found is None, f"{file.relative_to(ROOT)} names {found.group()}"


def test_code_names_no_server_but_the_two_documented_ones(tracked: list[Path]) -> None:
    allowed = {"download.pytorch.org", "storage.googleapis.com"}
    for file in tracked:
        if file.suffix in {".py", ".js"} and "tests" not in file.relative_to(ROOT).parts:
            hosts = re.findall(r"https?://([\w.-]+)", file.read_text(encoding="utf-8"))
            assert set(hosts) <= allowed, file


def test_files_stay_readable(tracked: list[Path]) -> None:
    for file in tracked:
        if file.suffix in {".py", ".js"}:
            lines = file.read_text(encoding="utf-8").count("\n")
            assert lines <= LONGEST_FILE, f"{file.relative_to(ROOT)} has {lines} lines"
            text = file.read_bytes()
            assert b"\r" not in text and b"\t" not in text, file


def test_the_readme_s_links_and_commands_exist() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            assert target.startswith("https://") or (ROOT / target).exists(), f"{page.name}: {target}"
        for script in re.findall(r"(?:python3?|bash) ([\w./]+\.(?:py|sh)|\.ci/run)", text):
            assert (ROOT / script).is_file(), f"{page.name}: {script}"
        for workflow in re.findall(r"workflows/[\w]+\.json", text):
            assert (ROOT / workflow).is_file(), f"{page.name}: {workflow}"


def test_the_readme_clones_the_repository_of_pyproject(project: dict) -> None:
    assert project["project"]["urls"]["Repository"] in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_node() -> None:
    from real3d_portrait.nodes import NODES

    rows = re.findall(r"^\| ([^|]+?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {node.define_schema().display_name for node in NODES} <= set(rows)
