"""What users and saved workflows rely on: ids, order, tooltips, ranges, translations, help pages."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from real3d_portrait.nodes import NODES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
GOLDEN = ROOT / "tests" / "golden" / "node_interface.json"
SCHEMAS = {node.define_schema().node_id: node.define_schema() for node in NODES}

each_node = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())


def interface(schema):
    return {
        "display_name": schema.display_name,
        "category": schema.category,
        "inputs": [
            [one.id, one.get_io_type(), "optional" if one.optional else "required"] for one in schema.inputs
        ],
        "outputs": [
            [one.id, one.io_type, "list" if one.is_output_list else "single"] for one in schema.outputs
        ],
    }


def test_saved_workflows_still_fit():
    """Links and widget values are stored by position: inputs and outputs are only ever appended."""
    golden = json.loads(GOLDEN.read_text())
    assert list(golden) == list(SCHEMAS)
    for node_id, before in golden.items():
        now = interface(SCHEMAS[node_id])
        assert now["display_name"] == before["display_name"]
        assert now["category"] == before["category"]
        for part in ("inputs", "outputs"):
            assert now[part][: len(before[part])] == before[part], f"{node_id} changed its {part}"


@each_node
def test_everything_is_explained(schema):
    assert re.fullmatch(r"R3DP_[A-Za-z0-9]+", schema.node_id)
    assert schema.category == "Real3D-Portrait"
    assert len(schema.description) > 30
    assert len(schema.search_aliases) >= 3 and all(one == one.lower() for one in schema.search_aliases)
    for part in (*schema.inputs, *schema.outputs):
        assert part.id and re.fullmatch(r"[a-z_]+", part.id)
        assert part.tooltip and len(part.tooltip) > 15 and part.tooltip.rstrip().endswith(".")
    assert len({one.id for one in schema.inputs}) == len(schema.inputs)
    assert len({one.id for one in schema.outputs}) == len(schema.outputs)


@each_node
def test_ranges_and_defaults_make_sense(schema):
    required_first = [one.optional for one in schema.inputs]
    assert required_first == sorted(required_first), "ComfyUI puts optional inputs last"
    for one in schema.inputs:
        kind = one.get_io_type()
        if kind in ("INT", "FLOAT"):
            assert one.min <= one.default <= one.max
            assert one.max <= 2**53, "the browser cannot hold it exactly"
        elif kind == "BOOLEAN":
            assert isinstance(one.default, bool)
        elif kind == "STRING":
            assert isinstance(one.default, str)
        elif kind == "COMBO" and one.upload is None and one.options:  # no files: an empty list
            assert one.default in one.options


@pytest.mark.parametrize("language", ["en", "zh"])
def test_names_are_complete(language):
    folder = ROOT / "locales" / language
    names = json.loads((folder / "nodeDefs.json").read_text(encoding="utf-8"))
    assert list(names) == list(SCHEMAS)
    for node_id, schema in SCHEMAS.items():
        entry = names[node_id]
        assert entry["display_name"] and entry["description"]
        assert list(entry["inputs"]) == [one.id for one in schema.inputs]
        assert list(entry["outputs"]) == [str(i) for i in range(len(schema.outputs))]
        for part in (*entry["inputs"].values(), *entry["outputs"].values()):
            assert part["name"] and part["tooltip"]
    types = json.loads((folder / "main.json").read_text(encoding="utf-8"))["dataTypes"]
    own = {
        one.get_io_type()
        for schema in SCHEMAS.values()
        for one in schema.inputs
        if one.get_io_type().startswith("R3DP_")
    }
    assert set(types) == own


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_is_a_message_format(language):
    """The front end reads braces, @ and | in these texts as its own signs; old ones fail to draw the node."""
    text = (ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8")

    def check(entry):
        for value in entry.values():
            if isinstance(value, dict):
                check(value)
            else:
                assert not re.search(r"[{}@|]", value), value

    check(json.loads(text))


def test_english_names_repeat_the_schemas():
    names = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    for node_id, schema in SCHEMAS.items():
        entry = names[node_id]
        assert (entry["display_name"], entry["description"]) == (schema.display_name, schema.description)
        for one in schema.inputs:
            assert entry["inputs"][one.id]["tooltip"] == one.tooltip
        for index, one in enumerate(schema.outputs):
            assert entry["outputs"][str(index)]["tooltip"] == one.tooltip


@each_node
@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_is_a_help_page(schema, language):
    names = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
    page = (DOCS / schema.node_id / f"{language}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {names[schema.node_id]['display_name']}\n")
    known = {one.id for one in (*schema.inputs, *schema.outputs)}
    rows = re.findall(r"^\| ([a-z_]+) \|", page, re.MULTILINE)
    assert set(rows) - {"input"} <= known
    written = len(re.findall(r"[\u4e00-\u9fff]", page))
    assert written > 60 if language == "zh" else written == 0


def pictures_of(page):
    """The files that ComfyUI shows on a help page: it looks for them from web/docs on."""
    found = re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [DOCS / name for name in found]


def test_all_nodes_have_help_in_two_languages_with_a_picture():
    """tools/make_help_pictures.py makes the pictures: describe one there for a new node."""
    pages = [DOCS / node_id / f"{language}.md" for node_id in SCHEMAS for language in ("en", "zh")]
    shown = [page for page in pages if page.is_file() and pictures_of(page)]
    assert len(shown) == 2 * len(SCHEMAS), f"without a picture: {sorted(set(pages) - set(shown))}"
    for picture in {one for page in shown for one in pictures_of(page)}:
        with Image.open(picture) as image:
            assert min(image.size) >= 150 and max(image.size) <= 1200, picture
        assert picture.stat().st_size <= 150_000, picture
    assert {path.parent.name for path in DOCS.glob("*/*")} == set(SCHEMAS), "pages of no node"
