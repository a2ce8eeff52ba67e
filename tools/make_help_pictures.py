"""Makes the pictures of the help pages: `python -m tools.make_help_pictures [NODE ID ...]` (all without).

Each shows what a node does with the demo portrait and voice, computed by the node itself, and becomes
`web/docs/<node id>/example.jpg`. A help page shows it as `![...](<node id>/example.jpg)`: ComfyUI takes the
paths of a page from the pack's folder `web/docs`, whatever the pack's own folder is called.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from run_workflow import PACK, ROOT, load_pack

from .help_studio import Studio, close, curves, image_of, pixels, wave
from .help_tiles import CARD, DARK, Pixels, arrow, cards, column, row, sliders, tile

LARGEST = 100_000  # bytes
CONVERTED = ("talking_head", "face_model", "hubert")


def load_model(studio: Studio) -> Pixels:
    choices = ("built-in", "talking_head.safetensors")
    return row(
        cards(*choices, chosen=0), arrow(), tile(studio.face()), tile(studio.face(studio.speech, 0.36))
    )


def load_portrait(studio: Studio) -> Pixels:
    from real3d_portrait.real3d_core.portrait.overlay import draw_overlay

    portrait = studio.portrait
    parts = (draw_overlay(portrait), portrait.head[..., None], portrait.background)
    return row(studio.photo, arrow(), *(pixels(one) for one in parts))


def portrait_from_image(studio: Studio) -> Pixels:
    other = np.ascontiguousarray(studio.photo[:, ::-1])
    portraits = [studio.portrait, studio.portrait_of(other)]
    said = studio.expression("smile")
    heads = [studio.face(said, portrait=one) for one in portraits]
    return row(column(tile(studio.photo, 125), tile(other, 125)), arrow(), *heads)


def image_to_plane(studio: Studio) -> Pixels:
    views = [
        studio.face(camera=studio.camera(yaw=yaw, pitch=pitch)) for yaw, pitch in ((-22, 0), (0, 10), (22, 0))
    ]
    return row(close(pixels(studio.portrait.image)), arrow(), *views)


def audio_to_motion(studio: Studio) -> Pixels:
    faces = row(
        *(close(one) for one in studio.frames([0.1, 0.3, 0.55, 0.9], motion=studio.speech)), height=190
    )
    mouth = curves(studio.speech)
    return column(wave(studio.sound, faces.shape[1]), faces, mouth[: mouth.shape[0] // 4])


def motion_adapter(studio: Studio) -> Pixels:
    names = ("neutral", "smile", "surprise", "wink")
    return row(*(studio.face(studio.expression(name)) for name in names), height=200)


def render_triplane(studio: Studio) -> Pixels:
    looks = ({"yaw": -20}, {"pitch": 12}, {"dolly": 0.8}, {"yaw": 20, "roll": 12})
    heads = [studio.head(camera=studio.camera(**look)).frames(0, 1) for look in looks]
    return row(*(pixels((one.rgb[0].movedim(0, -1) + 1) / 2) for one in heads), height=200)


def render_passes(studio: Studio) -> Pixels:
    head = studio.head(studio.expression("smile"), studio.camera(yaw=12), resolution=256)
    made = studio.run("R3DP_RenderPasses", head=head, start=35, count=1, portrait=studio.portrait)
    layers = [one if one.ndim == 4 else one[..., None] for one in made]
    tiles = [pixels(one[0]) for i, one in enumerate(layers) if i != 1]  # alpha looks like the head's mask
    return column(row(*tiles[:5], height=160), row(*tiles[5:], height=160))


def htb_sr(studio: Studio) -> Pixels:
    """Raw colours, the picture, its mask, another background, and a painted head laid in by a mask."""
    from .templates.pictures import painted

    head = studio.head(studio.expression("smile"), studio.camera(yaw=-8))
    ground = image_of(np.broadcast_to(np.uint8([60, 120, 180]), (512, 512, 3)))
    raw = head.frames(37, 38).rgb[0].movedim(0, -1)
    one = head_at(head, 37)
    images, _, masks = studio.run("R3DP_HTBSR", head=one, portrait=studio.portrait)
    other = studio.run("R3DP_HTBSR", head=one, portrait=studio.portrait, background=ground)[0]
    mask = studio.run("R3DP_RenderPasses", head=one, portrait=studio.portrait, size="512")[4]
    paint = image_of(painted(pixels(images[0]), brush=12))
    laid_in = studio.run(
        "R3DP_HTBSR", head=one, portrait=studio.portrait, replacement_head=paint, replacement_mask=mask
    )[0]
    shown = (images[0], masks[0][..., None], other[0], laid_in[0])
    return row(pixels((raw + 1) / 2), arrow(200), *(pixels(picture) for picture in shown), height=200)


def head_at(head: Any, frame: int) -> Any:
    """A clip of one frame."""
    from dataclasses import replace

    motion = head.triplane.motion
    part = replace(
        motion,
        **{
            name: getattr(motion, name)[frame : frame + 1]
            for name in ("blendshapes", "euler", "translation", "expression")
            if getattr(motion, name, None) is not None
        },
    )
    return replace(head, triplane=replace(head.triplane, motion=part))


def video_combine(studio: Studio) -> Pixels:
    frames = studio.frames([0.1, 0.4, 0.7], motion=studio.speech)
    strip = row(*frames, height=150)
    film = np.full((190, strip.shape[1], 3), DARK, np.uint8)
    film[20:170] = strip
    for top in (6, 174):
        for left in range(8, film.shape[1] - 12, 24):
            film[top : top + 9, left : left + 13] = CARD
    talking = column(wave(studio.sound, film.shape[1], 50), film)
    files = cards("talking_00001.mp4", "webm   mov   gif   png", width=200, height=talking.shape[0])
    return row(talking, arrow(talking.shape[0]), files, height=talking.shape[0])


def convert_model(_studio: Studio) -> Pixels:
    found = cards("model_ckpt_steps_150000.ckpt", "BFM_model_front.mat", "pytorch_model.bin", chosen=0)
    return row(found, arrow(), cards(*(f"{name}.safetensors" for name in CONVERTED)))


def video_to_motion(studio: Studio) -> Pixels:
    """A driver (the demo portrait, mirrored and grey) and the demo portrait that follows."""
    grey = np.repeat(studio.photo[:, ::-1].mean(-1, keepdims=True), 3, -1).astype(np.uint8)
    driver = studio.portrait_of(grey)
    blend = studio.run(
        "R3DP_BlendMotion", first=studio.expression("surprise", 0.5), second=studio.speech, mode="add"
    )[0]
    driving = studio.frames(np.linspace(0, 1, 26), motion=blend, portrait=driver)
    motion = studio.run("R3DP_VideoToMotion", images=image_of(*driving), images_fps=8.67)[0]
    at = (0.05, 0.35, 0.55)
    shown = [close(driving[round(25 * share)]) for share in at]
    following = studio.frames(at, motion=motion)
    return column(row(*shown, height=180), row(*(close(one) for one in following), height=180))


def head_motion(studio: Studio) -> Pixels:
    moved = studio.run("R3DP_HeadMotion", motion=studio.speech, audio=studio.sound, sway=1.6, nod=1.5)[0]
    frames = row(*studio.frames([0.1, 0.4, 0.65, 0.9], motion=moved), height=190)
    shown = curves(moved)
    return column(frames, shown[shown.shape[0] * 7 // 10 :])


def edit_motion(studio: Studio) -> Pixels:
    smile = studio.expression("smile")
    changed = [
        studio.run("R3DP_EditMotion", motion=smile, **one)[0]
        for one in ({"mouth": 0.4}, {"mouth": 1.4}, {"channels": "yaw + 14"})
    ]
    return row(studio.face(smile), arrow(200), *(studio.face(one) for one in changed), height=200)


def blend_motion(studio: Studio) -> Pixels:
    brows, smile = studio.expression("surprise"), studio.expression("smile")
    both = studio.run("R3DP_BlendMotion", first=brows, second=smile, mode="add", mouth=1.0)[0]
    return row(studio.face(brows), studio.face(smile), arrow(200), studio.face(both), height=200)


def expression_preset(studio: Studio) -> Pixels:
    from real3d_portrait.nodes.expression_preset import ExpressionPreset

    names = [one for one in ExpressionPreset.define_schema().inputs[0].options if one != "neutral"]
    return row(*(studio.face(studio.expression(name)) for name in names), height=190)


def save_motion(studio: Studio) -> Pixels:
    return row(
        tile(curves(studio.speech), 200),
        arrow(200),
        cards("motion_00001.json", "motion_00001.csv", width=190, height=200),
        height=200,
    )


def load_motion(studio: Studio) -> Pixels:
    file = cards("motion_00001.json", "live_link_face.csv", width=190, height=200)
    faces = (close(one) for one in studio.frames([0.3, 0.55], motion=studio.speech))
    return row(file, arrow(200), *faces, height=200)


def save_avatar(studio: Studio) -> Pixels:
    file = cards("avatar_00001_.safetensors", "tri-plane, decoder, portrait", width=260, height=200)
    return row(tile(studio.photo, 200), *studio.frames([0.0]), arrow(200), file, height=200)


def load_avatar(studio: Studio) -> Pixels:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from real3d_portrait.real3d_core.avatar_file import load_avatar, save_avatar

    with TemporaryDirectory() as folder:
        path = Path(folder) / "avatar.safetensors"
        save_avatar(studio.run("R3DP_ImageToPlane", portrait=studio.portrait)[0], studio.portrait, path)
        loaded = load_avatar(path)
    clip = studio.run(
        "R3DP_MotionAdapter",
        triplane=loaded.triplane,
        portrait=loaded.portrait,
        motion=studio.run("R3DP_HeadMotion", motion=studio.speech)[0],
    )[0]
    head = studio.run("R3DP_RenderTriplane", triplane=clip)[0]
    file = cards("avatar_00001_.safetensors", width=230, height=200)
    shown = studio.frames([0.1, 0.3, 0.55], head=head, portrait=loaded.portrait)
    return row(file, arrow(200), *shown, height=200)


def camera_path(studio: Studio) -> Pixels:
    camera = studio.run("R3DP_CameraPath", preset="orbit", frames=41)[0]
    near = studio.run("R3DP_CameraPath", preset="push-in", frames=41)[0]
    turn = studio.frames([0.0, 0.25, 0.5, 0.75], camera=camera)
    return column(
        row(*turn, height=180), row(*studio.frames([0.0, 0.33, 0.67, 1.0], camera=near), height=180)
    )


def camera_from_load3d(studio: Studio) -> Pixels:
    made = []
    for x, y in ((0.0, 0.0), (-1.6, 0.5), (1.8, 0.9)):
        info = {"position": {"x": x, "y": y, "z": 4.5}, "target": {"x": 0.0, "y": 0.0, "z": 0.0}, "zoom": 1}
        info["cameraType"] = "perspective"
        camera = studio.run("R3DP_CameraFromLoad3D", camera_info=info)[0]
        made.append(studio.frames([0.0], camera=camera)[0])
    return row(*made)


def stereo(studio: Studio) -> Pixels:
    from real3d_portrait.real3d_core.stereo.layouts import DUBOIS, SIDE_BY_SIDE

    one = head_at(studio.head(studio.expression("smile")), 37)
    shown = [
        pixels(studio.run("R3DP_Stereo", head=one, portrait=studio.portrait, layout=layout)[0][0])
        for layout in (SIDE_BY_SIDE, DUBOIS)
    ]
    return row(*shown)


def paste_back(studio: Studio) -> Pixels:
    one = head_at(studio.head(studio.expression("surprise")), 37)
    frames = studio.run("R3DP_HTBSR", head=one, portrait=studio.portrait)[0]
    whole = studio.run("R3DP_PasteBack", images=frames, portrait=studio.portrait)[0]
    return row(pixels(frames[0]), arrow(), pixels(whole[0]), height=320)


def head_mesh(studio: Studio) -> Pixels:
    portrait = studio.portrait
    plane = studio.run("R3DP_ImageToPlane", portrait=portrait)[0]
    return row(*(pixels(one) for one in studio.run("R3DP_HeadMesh", triplane=plane, portrait=portrait)[1]))


def save_mesh(studio: Studio) -> Pixels:
    portrait = studio.portrait
    plane = studio.run("R3DP_ImageToPlane", portrait=portrait)[0]
    shown = studio.run("R3DP_HeadMesh", triplane=plane, portrait=portrait, turntable=8)[1]
    texture = studio.run("R3DP_HeadMesh", triplane=plane, portrait=portrait)[0].texture[0]
    file = cards("head_00001_.glb", width=190, height=200)
    return row(pixels(shown[1]), tile(pixels(texture), 200), arrow(200), file, height=200)


def blend_avatars(studio: Studio) -> Pixels:
    """The demo portrait and a relative of hers: mirrored, slimmer, darker."""
    import cv2

    slim = cv2.resize(studio.photo[:, ::-1], None, fx=0.8, fy=1.0, interpolation=cv2.INTER_AREA)
    other = (255 * (slim / 255) ** 1.6 * [1.0, 0.86, 0.8]).round().astype(np.uint8)
    portraits = [studio.portrait, studio.portrait_of(other)]
    heads = [studio.run("R3DP_ImageToPlane", portrait=one)[0] for one in portraits]
    faces = []
    for shape, colour in ((0.0, 0.0), (0.5, 0.5), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        triplane, portrait, _ = studio.run(
            "R3DP_BlendAvatars",
            triplane=heads[0],
            portrait=portraits[0],
            second_triplane=heads[1],
            second_portrait=portraits[1],
            shape=shape,
            colour=colour,
        )
        head = studio.run("R3DP_RenderTriplane", triplane=triplane)[0]
        faces += studio.frames([0.0], head=head, portrait=portrait)
    return row(pixels(portraits[1].image), arrow(180), *faces, height=180)


def preview_3d(studio: Studio) -> Pixels:
    """Four views with the sliders below each, as the node shows them."""
    from real3d_portrait.real3d_core.preview_3d.view import SLIDERS

    given = {"triplane": studio.run("R3DP_ImageToPlane", portrait=studio.portrait)[0]}
    given["portrait"] = studio.portrait
    views = (
        ('{"yaw": -20}', {}),
        ('{"yaw": 16, "pitch": 8}', {"jaw": 0.6}),
        ('{"dolly": 0.75}', {"smile": 0.8, "brow": 0.6}),
        ('{"yaw": -10, "dolly": 0.75}', {"blink": 1.0}),
    )
    columns = []
    for camera, values in views:
        image = studio.run("R3DP_Preview3D", camera=camera, **given, **values)[3]
        columns.append(column(tile(pixels(image[0]), 200), sliders(values, SLIDERS, 200)))
    return row(*columns)


PICTURES: dict[str, Callable[[Studio], Pixels]] = {
    "R3DP_LoadModel": load_model,
    "R3DP_LoadPortrait": load_portrait,
    "R3DP_PortraitFromImage": portrait_from_image,
    "R3DP_ImageToPlane": image_to_plane,
    "R3DP_AudioToMotion": audio_to_motion,
    "R3DP_MotionAdapter": motion_adapter,
    "R3DP_RenderTriplane": render_triplane,
    "R3DP_RenderPasses": render_passes,
    "R3DP_HTBSR": htb_sr,
    "R3DP_VideoCombine": video_combine,
    "R3DP_ConvertModel": convert_model,
    "R3DP_VideoToMotion": video_to_motion,
    "R3DP_HeadMotion": head_motion,
    "R3DP_EditMotion": edit_motion,
    "R3DP_BlendMotion": blend_motion,
    "R3DP_ExpressionPreset": expression_preset,
    "R3DP_SaveMotion": save_motion,
    "R3DP_LoadMotion": load_motion,
    "R3DP_CameraPath": camera_path,
    "R3DP_CameraFromLoad3D": camera_from_load3d,
    "R3DP_Stereo": stereo,
    "R3DP_SaveAvatar": save_avatar,
    "R3DP_LoadAvatar": load_avatar,
    "R3DP_PasteBack": paste_back,
    "R3DP_HeadMesh": head_mesh,
    "R3DP_SaveMesh": save_mesh,
    "R3DP_BlendAvatars": blend_avatars,
    "R3DP_Preview3D": preview_3d,
}
"""How each node's picture is made."""


def save(picture: Pixels, node_id: str) -> None:
    """As the best JPEG that is small enough."""
    from PIL import Image

    for quality in range(90, 30, -5):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= LARGEST:
            break
    (ROOT / "web" / "docs" / node_id / "example.jpg").write_bytes(file.getvalue())
    print(
        f"{node_id}: {picture.shape[1]} x {picture.shape[0]}, quality {quality}, {file.tell()} bytes",
        flush=True,
    )


def main(names: list[str]) -> None:
    """Makes the pictures of these nodes, or of all."""
    if PACK not in sys.modules:
        load_pack()
    from real3d_portrait.nodes.headless.session import Session, using

    studio = Studio()
    with using(Session(models=ROOT / "models")):
        for name in names or PICTURES:
            save(PICTURES[name](studio), name)


if __name__ == "__main__":
    main(sys.argv[1:])
