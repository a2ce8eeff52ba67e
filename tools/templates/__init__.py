"""Makes the templates of workflows/: `python -m tools.templates` (see CONTRIBUTING.md, "Add a template")."""

from __future__ import annotations

from collections.abc import Callable

from .cameras import orbit_while_talking, stereo_sbs
from .diffusion import depth_normal_for_controlnet, diffusion_fix_unseen, diffusion_restyle_then_talk
from .driven import mouth_from_audio_brows_from_video, video_driven
from .flow import Flow
from .keeping import avatar_save_load, paste_back
from .meshes import turntable_mesh
from .talking import (
    background_swap,
    dialogue_two_speakers,
    expression_presets,
    talking_portrait,
    upscale_chain,
)

TEMPLATES: dict[str, Callable[[], Flow]] = {
    make.__name__: make
    for make in (
        talking_portrait,
        expression_presets,
        video_driven,
        mouth_from_audio_brows_from_video,
        background_swap,
        orbit_while_talking,
        stereo_sbs,
        dialogue_two_speakers,
        upscale_chain,
        paste_back,
        avatar_save_load,
        turntable_mesh,
        diffusion_restyle_then_talk,
        depth_normal_for_controlnet,
        diffusion_fix_unseen,
    )
}
