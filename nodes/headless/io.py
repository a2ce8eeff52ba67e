"""Node schemas without ComfyUI: the part of `comfy_api.latest.io` that this pack uses, name for name.

An input or output is declared as `io.Image.Input("image", ...)`. Keywords are strict: one that is unknown
here is a TypeError, so that a schema which passes the tests is accepted by the oldest supported ComfyUI too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar


class FolderType(str, Enum):
    """Where a saved file lies, as the browser asks for it."""

    input = "input"
    output = "output"
    temp = "temp"


class UploadType(str, Enum):
    """What kind of file a combo lets the user upload."""

    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"


class NumberDisplay(str, Enum):
    """How a number widget looks."""

    number = "number"
    slider = "slider"


class Hidden(str, Enum):
    """Values that the host adds to a node's call."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"


@dataclass(frozen=True)
class HiddenHolder:
    """The hidden values of one call: node id, the graph in API format, and what else goes into metadata."""

    unique_id: str | None = None
    prompt: dict[str, Any] | None = None
    extra_pnginfo: dict[str, Any] | None = None


@dataclass
class Input:
    """A socket. `io_type` is the name of what may be linked to it; several are separated by commas."""

    io_type: ClassVar[str] = "*"

    id: str
    display_name: str | None = None
    optional: bool = False
    tooltip: str | None = None
    lazy: bool | None = None
    extra_dict: dict[str, Any] | None = None

    def get_io_type(self) -> str:
        return self.io_type

    @property
    def has_widget(self) -> bool:
        """Whether the input can be set by hand on the node."""
        return False


@dataclass
class WidgetInput(Input):
    """An input with a widget: a value set on the node, unless something is linked to it."""

    default: Any = None
    socketless: bool | None = None
    force_input: bool | None = None

    @property
    def has_widget(self) -> bool:
        return not self.force_input


@dataclass
class IntInput(WidgetInput):
    min: int | None = None
    max: int | None = None
    step: int | None = None
    control_after_generate: bool | None = None
    display_mode: NumberDisplay | None = None


@dataclass
class FloatInput(WidgetInput):
    min: float | None = None
    max: float | None = None
    step: float | None = None
    round: float | None = None
    display_mode: NumberDisplay | None = None


@dataclass
class BooleanInput(WidgetInput):
    label_on: str | None = None
    label_off: str | None = None


@dataclass
class StringInput(WidgetInput):
    multiline: bool = False
    placeholder: str | None = None


@dataclass
class ComboInput(WidgetInput):
    options: Sequence[str] = ()
    upload: UploadType | None = None
    image_folder: FolderType | None = None


@dataclass
class MultiTypeInput(Input):
    types: Sequence[type[ComfyType]] = ()

    def get_io_type(self) -> str:
        return ",".join(kind.io_type for kind in self.types)


@dataclass
class Output:
    """A result of a node."""

    io_type: ClassVar[str] = "*"

    id: str | None = None
    display_name: str | None = None
    tooltip: str | None = None
    is_output_list: bool = False


class ComfyType:
    """A kind of value that travels along links: its name, and how it is declared as input and output."""

    io_type: ClassVar[str]
    Input: ClassVar[type]
    Output: ClassVar[type]


def _comfy_type(io_type: str, input_class: type[Input] = Input) -> type[ComfyType]:
    members = {
        "io_type": io_type,
        "Input": type("Input", (input_class,), {"io_type": io_type}),
        "Output": type("Output", (Output,), {"io_type": io_type}),
    }
    return type(io_type, (ComfyType,), members)


Custom = _comfy_type
Image = _comfy_type("IMAGE")
Mask = _comfy_type("MASK")
Audio = _comfy_type("AUDIO")
Video = _comfy_type("VIDEO")
Mesh = _comfy_type("MESH")
Int = _comfy_type("INT", IntInput)
Float = _comfy_type("FLOAT", FloatInput)
Boolean = _comfy_type("BOOLEAN", BooleanInput)
String = _comfy_type("STRING", StringInput)
Combo = _comfy_type("COMBO", ComboInput)
MultiType = _comfy_type("COMFY_MULTITYPED_V3", MultiTypeInput)


@dataclass
class Schema:
    """What a node is called, takes and gives."""

    node_id: str
    display_name: str | None = None
    category: str = ""
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    description: str = ""
    search_aliases: list[str] = field(default_factory=list)
    is_input_list: bool = False
    is_output_node: bool = False

    @property
    def title(self) -> str:
        """The name that users see."""
        return self.display_name or self.node_id

    def input(self, name: str) -> Any | None:
        """The declared input of this id, if there is one."""
        return next((declared for declared in self.inputs if declared.id == name), None)


class ComfyNode:
    """Base class of nodes: stateless, a schema and an `execute` class method."""

    hidden: ClassVar[HiddenHolder] = HiddenHolder()

    @classmethod
    def define_schema(cls) -> Schema:
        raise NotImplementedError

    @classmethod
    def execute(cls, **inputs: Any) -> NodeOutput:
        raise NotImplementedError

    @classmethod
    def with_hidden(cls, hidden: HiddenHolder) -> type[ComfyNode]:
        """A class like this one that sees these hidden values."""
        return type(cls.__name__, (cls,), {"hidden": hidden})


class NodeOutput:
    """What a node gives: one value for each output, and what its front end shows."""

    def __init__(self, *values: Any, ui: Any = None) -> None:
        self.args = values
        self.ui = ui

    @property
    def result(self) -> tuple[Any, ...]:
        return self.args
