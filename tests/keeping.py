"""Nodes that keep what they made, as a server does: tests that run many graphs prepare a portrait once."""

from functools import cache

from real3d_portrait.nodes import ImageToPlane, LoadPortrait
from real3d_portrait.nodes.headless.graph import Registry


def keeping_registry():
    """The standard nodes; Load Portrait and Image-to-Plane compute each result once, for this registry."""
    nodes = Registry.standard()
    kept = [nodes.node_class(kind) for kind in nodes.ids()]
    return Registry((*kept, *map(_keeping, (LoadPortrait, ImageToPlane))))  # of one id, the later one counts


def _keeping(node):
    @cache
    def made(*inputs, **named):
        return node.execute(*inputs, **named)

    return type(
        node.__name__, (node,), {"execute": classmethod(lambda cls, *inputs, **named: made(*inputs, **named))}
    )
