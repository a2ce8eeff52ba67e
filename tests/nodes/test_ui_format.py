"""Reading workflow files: the canvas's format with all its ways, and files that are damaged."""

import pytest

from real3d_core.errors import WorkflowError
from real3d_portrait.nodes.headless.graph import Link, read_workflow
from real3d_portrait.nodes.headless.ui_format import graph_of_ui, widget_values

from .toys import TOYS, Number, canvas, shown


def test_the_canvas_format_with_its_control_entry():
    data = canvas(
        (1, "Number", {}, [7, "randomize", "once", 1.0], {}),
        (2, "Show", {"value": 1}, [], {"title": "My Show"}),
        links=[(1, 1, 0, 2, 0, "INT")],
    )
    graph = graph_of_ui(data, TOYS)
    assert graph.nodes["1"].inputs == {"seed": 7, "how": "once", "factor": 1.0}
    assert (graph.nodes["1"].title, graph.nodes["2"].title) == ("A Number", "My Show")
    assert graph.nodes["2"].inputs == {"value": Link("1", 0)}
    assert shown(data).value("2") == 7


def test_newer_files_store_links_as_objects():
    data = canvas((1, "Number", {}, [7], {}), (2, "Show", {"value": 9}, [], {}))
    data["links"] = [
        {"id": 9, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "INT"}
    ]
    assert shown(data).value("2") == 7


def test_reroutes_primitives_and_notes_are_resolved():
    data = canvas(
        (1, "PrimitiveNode", {}, [8, "fixed"], {}),
        (2, "Number", {}, [1, "fixed", "once", 1.0], {}),
        (3, "Reroute", {"": 2}, [], {}),
        (4, "Reroute", {"": 3}, [], {}),
        (5, "Show", {"value": 4}, [], {}),
        (6, "MarkdownNote", {}, ["# hello"], {}),
        (7, "Note", {}, ["hello"], {}),
        links=[(1, 1, 0, 2, 0, "INT"), (2, 2, 0, 3, 0, "INT"), (3, 3, 0, 4, 0, "*"), (4, 4, 0, 5, 0, "*")],
    )
    data["nodes"][1]["inputs"] = [{"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 1}]
    assert shown(data).value("5") == 8


def test_a_muted_node_is_left_out_and_a_bypassed_one_bridged():
    def data(mode):
        out = [{"name": "sum", "type": "INT"}]
        return canvas(
            (1, "Number", {}, [7], {}),
            (2, "Add", {"a": 1, "b": 2}, [False], {"mode": mode, "outputs": out}),
            (3, "Show", {"value": 3}, [], {}),
            links=[(1, 1, 0, 2, 0, "INT"), (2, 1, 0, 2, 1, "INT"), (3, 2, 0, 3, 0, "INT")],
        )

    assert shown(data(0)).value("3") == 14
    assert shown(data(4)).value("3") == 7
    with pytest.raises(WorkflowError, match="lacks its input value"):
        shown(data(2))


def test_unknown_nodes_of_the_canvas_are_named():
    data = canvas((1, "Fancy Node", {}, [], {"title": "My fancy"}), (2, "Show", {}, [], {}))
    with pytest.raises(WorkflowError, match=r"My fancy \(node 1\).*'Fancy Node'"):
        shown(data)
    data["nodes"][0]["mode"] = 2
    with pytest.raises(WorkflowError, match="lacks its input"):
        shown(data)


def test_a_subgraph_is_named_with_the_way_around_it():
    data = canvas((1, "0a1b", {}, [], {"title": "My group"}), (2, "Show", {"value": None}, [], {}))
    data["definitions"] = {"subgraphs": [{"id": "0a1b"}]}
    with pytest.raises(WorkflowError, match=r"My group \(node 1\) is a subgraph.*Export \(API\)"):
        shown(data)


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": []},
        {"nodes": [{"id": 1}]},
        {"nodes": [{"id": 1, "type": "Show", "inputs": [{"name": "value", "link": 5}]}], "links": []},
        {
            "nodes": [{"id": 1, "type": "Show", "inputs": [{"name": "value", "link": 5}]}],
            "links": [[5, 9, 0]],
        },
        {"nodes": [None, 3]},
        {"nodes": [{"id": 1, "type": "Show", "inputs": 3}]},
    ],
)
def test_damaged_canvas_files_are_refused(data):
    with pytest.raises(WorkflowError):
        shown(data)


def test_widget_values_by_name_and_short_lists():
    schema = Number.define_schema()
    assert widget_values(schema, {"how": "thrice", "strange": 1}) == {"how": "thrice"}
    assert widget_values(schema, [3]) == {"seed": 3}
    assert widget_values(schema, None) == {}
    assert widget_values(schema, [3, "once", 0.5]) == {"seed": 3, "how": "once", "factor": 0.5}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"1": 2}',
        '{"1": {"inputs": {}}}',
        '{"1": {"class_type": "Show", "inputs": 1}}',
        "\x00",
    ],
)
def test_files_that_are_no_workflow_are_refused(tmp_path, text):
    file = tmp_path / "w.json"
    file.write_text(text)
    with pytest.raises(WorkflowError):
        read_workflow(file, TOYS)


def test_a_long_name_is_not_quoted_whole():
    linked = {"id": 1, "type": "Show", "inputs": [{"name": "value", "link": "a" * 5000}]}
    with pytest.raises(WorkflowError, match="it lacks 'aaa") as raised:
        graph_of_ui({"nodes": [linked], "links": []}, TOYS)
    assert len(str(raised.value)) < 200
