"""Real3D-Portrait: ComfyUI nodes that turn one portrait into a 3D head that talks."""

from .nodes import comfy_entrypoint

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
