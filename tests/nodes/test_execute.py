"""Running a graph: order, defaults, lists, and what is refused before anything runs."""

import pytest

from real3d_core.errors import WorkflowError
from real3d_portrait.nodes.headless.execute import run

from .toys import TOYS, Number, api, toys


def test_values_flow_along_links_and_defaults_fill_in():
    assert run(toys(), TOYS).value("s") == 4
    assert run(api(n=("Number", {"seed": 3}), s=("Show", {"value": ["n", 0]})), TOYS).value("s") == 3
    optional = api(n=("Number", {"seed": 3}), a=("Add", {"a": ["n", 0]}), s=("Show", {"value": ["a", 0]}))
    assert run(optional, TOYS).value("s") == 103


def test_each_node_runs_once_and_only_if_needed():
    Number.runs = 0
    graph = api(
        n=("Number", {"seed": 2}),
        unused=("Number", {}),
        a=("Add", {"a": ["n", 0], "b": ["n", 0]}),
        s=("Show", {"value": ["a", 0]}),
        t=("Show", {"value": ["n", 0]}),
    )
    result = run(graph, TOYS)
    assert (result.value("s"), result.value("t"), Number.runs) == (4, 2, 1)
    assert "unused" not in result.outputs


def test_lists_run_the_nodes_after_them_once_for_each_entry():
    graph = api(
        n=("Number", {"seed": 2, "how": "thrice"}),
        one=("Number", {"seed": 5}),
        a=("Add", {"a": ["n", 0], "b": ["one", 0]}),
        s=("Show", {"value": ["a", 0]}),
    )
    assert run(graph, TOYS).outputs["s"][0] == [7, 7, 7]


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (api(x=("KSampler", {}), s=("Show", {"value": 1})), ["KSampler", "node x", "cannot run"]),
        (api(n=("Number", {})), ["saves and shows nothing"]),
        (api(s=("Show", {})), ["Show (node s)", "lacks its input value"]),
        (api(s=("Show", {"value": 5})), ["Show (node s)", "input value", "INT,FLOAT"]),
        (api(s=("Show", {"value": [["n"], 0]})), ["input value", "not a value"]),
        (api(s=("Show", {"value": ["gone", 0]})), ["input value", "node gone", "does not exist"]),
        (api(n=("Number", {}), s=("Show", {"value": ["n", 7]})), ["output 7", "has 2"]),
        (api(n=("Number", {}), s=("Show", {"value": ["n", 1]})), ["needs INT,FLOAT", "gives STRING"]),
        (toys(seed=11), ["A Number (node n)", "input seed", "11", "maximum of 10"]),
        (toys(seed=-1), ["input seed", "minimum of 0"]),
        (toys(seed="many"), ["input seed", "a whole number", "'many'"]),
        (toys(seed=1.5), ["input seed", "a whole number"]),
        (toys(factor=float("nan")), ["input factor", "a number"]),
        (toys(factor={}), ["input factor", "a number"]),
        (toys(how="twice"), ["input how", "'twice'", "'once', 'thrice'"]),
        (
            api(
                a=("Add", {"a": ["b", 0]}),
                b=("Add", {"a": ["c", 0]}),
                c=("Add", {"a": ["a", 0]}),
                s=("Show", {"value": ["a", 0]}),
            ),
            ["circle", "node a", "node b", "node c"],
        ),
        (api(a=("Add", {"a": ["a", 0]}), s=("Show", {"value": ["a", 0]})), ["circle", "node a"]),
    ],
)
def test_a_wrong_graph_is_refused_in_a_sentence_before_anything_runs(graph, words):
    Number.runs = 0
    with pytest.raises(WorkflowError) as caught:
        run(graph, TOYS)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert Number.runs == 0


def test_a_bug_in_a_node_names_the_node():
    graph = api(
        m=("Number", {"seed": 10}),
        n=("Number", {"seed": 3}),
        s=("Show", {"value": ["a", 0]}),
        a=("Add", {"a": ["n", 0], "b": ["m", 0]}),
    )
    with pytest.raises(
        WorkflowError, match=r"Show \(node s\) failed unexpectedly \(ZeroDivisionError: thirteen\)"
    ):
        run(graph, TOYS)


def test_a_very_long_chain_runs():
    nodes = {"n0": ("Number", {"seed": 1})}
    for i in range(1, 3000):
        nodes[f"n{i}"] = ("Add", {"a": [f"n{i - 1}", 0], "b": ["n0", 0]})
    assert run(api(**nodes, s=("Show", {"value": ["n2999", 0]})), TOYS).value("s") == 3000
