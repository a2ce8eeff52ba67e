"""What the stand-ins for core's nodes share: a schema made of a few class attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from . import io


class CoreNode(io.ComfyNode):
    """A node of core's; the name of its class is core's id.

    title               the name that users see.
    inputs, outputs     as core declares them, in its order.
    saves               whether it runs though nothing takes its outputs.
    """

    title: ClassVar[str]
    inputs: ClassVar[Sequence[io.Input]] = ()
    outputs: ClassVar[Sequence[io.Output]] = ()
    saves: ClassVar[bool] = False

    @classmethod
    def current_inputs(cls) -> Sequence[io.Input]:
        """`inputs`, or what depends on the files that are there now."""
        return cls.inputs

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id=cls.__name__,
            display_name=cls.title,
            inputs=list(cls.current_inputs()),
            outputs=list(cls.outputs),
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo] if cls.saves else [],
            is_output_node=cls.saves,
        )
