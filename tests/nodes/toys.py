"""A few toy nodes, and workflows of them in both formats."""

from real3d_portrait.nodes.headless import io
from real3d_portrait.nodes.headless.execute import run
from real3d_portrait.nodes.headless.graph import Registry, graph_of_api
from real3d_portrait.nodes.headless.ui_format import graph_of_ui


class Number(io.ComfyNode):
    """Gives a number, or several."""

    runs = 0

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Number",
            display_name="A Number",
            inputs=[
                io.Int.Input("seed", default=0, min=0, max=10, control_after_generate=True),
                io.Combo.Input("how", options=["once", "thrice"], default="once"),
                io.Float.Input("factor", default=1.0, min=0.0, max=2.0),
            ],
            outputs=[io.Int.Output("number", is_output_list=True), io.String.Output("words")],
        )

    @classmethod
    def execute(cls, seed, how, factor):
        Number.runs += 1
        return io.NodeOutput([seed * factor] * (3 if how == "thrice" else 1), "text")


class Add(io.ComfyNode):
    """Adds two numbers."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Add",
            display_name="Add",
            inputs=[
                io.Int.Input("a", force_input=True),
                io.Custom("INT").Input("b", optional=True),
                io.Boolean.Input("loud", default=False),
            ],
            outputs=[io.Int.Output("sum")],
        )

    @classmethod
    def execute(cls, a, loud, b=100):
        return io.NodeOutput(a + b)


class Show(io.ComfyNode):
    """Shows what it gets."""

    @classmethod
    def define_schema(cls):
        kinds = [io.Int, io.Float]
        return io.Schema(
            node_id="Show",
            display_name="Show",
            inputs=[io.MultiType.Input("value", types=kinds)],
            outputs=[io.Int.Output("value")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, value):
        if value == 13:
            raise ZeroDivisionError("thirteen")
        return io.NodeOutput(value)


TOYS = Registry((Number, Add, Show))


def api(**nodes):
    data = {key: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in nodes.items()}
    return graph_of_api(data, TOYS)


def toys(**inputs):
    return api(
        n=("Number", {"seed": 4, "how": "once", "factor": 1.0} | inputs),
        s=("Show", {"value": ["n", 0]}),
    )


def canvas(*nodes, links=()):
    """A UI workflow; nodes are (id, type, {input: link}, widgets_values, extra)."""
    entries = []
    for key, kind, inputs, values, extra in nodes:
        sockets = [{"name": name, "type": "INT", "link": link} for name, link in inputs.items()]
        entries.append(
            {"id": key, "type": kind, "mode": 0, "inputs": sockets, "widgets_values": values} | extra
        )
    return {"nodes": entries, "links": [list(link) for link in links], "version": 0.4}


def shown(data):
    return run(graph_of_ui(data, TOYS), TOYS)
