"""HTB-SR gives what the original computed, in every part, as stored and folded."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from real3d_core.htb_sr.network import (
    FoldedSuperResolution,
    HTBSRFrames,
    PortraitFeatures,
    PortraitPictures,
    SuperResolution,
)
from tests.deterministic import NetInputs, fill_module, smooth_image
from tests.golden.conftest import RenderedHeads
from tests.golden.recorded import CHAIN, Recorded
from tests.golden.running import outputs_of

CAMERAS = (0, 1)
MOTION = "torso_model.motion_field_estimator"
GENERATOR = "torso_model.deform_based_generator"

PARTS = {
    "block0_conv0": "block0.conv0",
    "block0": "block0",
    "appearance": "torso_model.appearance_extractor",
    "motion_compress": f"{MOTION}.compress",
    "motion_down": f"{MOTION}.down",
    "motion_up": f"{MOTION}.up",
    "motion_head": f"{MOTION}.tgt_head_encoder",
    "motion_fuser": f"{MOTION}.tgt_head_fuser",
    "motion": MOTION,
    "torso_hid": GENERATOR,
    "torso_rgb": f"{GENERATOR}.out_conv",
    "occlusion_2": "torso_model.occlusion_2_predictor",
    "torso_encoder": "torso_encoder",
    "bg_encoder": "bg_encoder",
    "fuse_head_torso": "fuse_head_torso_convs",
    "head_torso_block": "head_torso_block",
    "fuse_fg_bg": "fuse_fg_bg_convs",
    "block1": "block1",
    "frames": "",
}
"""{name here: submodule whose output it is}"""

INPUTS = {"motion_down_in": f"{MOTION}.down", "gen_deformed_feature": GENERATOR}
"""{recorded name: submodule whose input it is}"""

FOLDED_PARTS = {
    "motion_up": "motion.up",
    "generator": "generator",
    "fuse_fg_bg": "fuse_background",
    "block1": "block1",
    "frames": "",
}

FOLDED_NAMES = ("motion_up", "torso_rgb", "occlusion_2", "fuse_fg_bg", "image_unclamped", "image")


def entropy(p: Tensor) -> Tensor:
    """Mean entropy in bits of pixels that are torso with probability p: a training loss."""
    return -(p * torch.log2(p) + (1 - p) * torch.log2(1 - p)).mean()


@pytest.fixture(scope="module")
def network() -> SuperResolution:
    return fill_module(SuperResolution(), "superresolution.")


@pytest.fixture(scope="module")
def folded(network: SuperResolution) -> FoldedSuperResolution:
    return network.folded().eval()


@pytest.fixture(scope="module")
def pictures(inputs: NetInputs) -> PortraitPictures:
    return PortraitPictures(
        torso=inputs.ref_torso,
        background=inputs.background,
        segmentation=inputs.segmentation,
        landmarks=inputs.kp_source,
    )


@pytest.fixture(scope="module")
def raw_run(
    network: SuperResolution, rendered_heads: RenderedHeads, pictures: PortraitPictures, inputs: NetInputs
) -> dict[str, Tensor]:
    """Everything that torso_sr_cam0.npz and torso_sr_cam1.npz record, of one run of both cameras."""
    seen: dict[str, Tensor] = {}
    hooks = [
        network.get_submodule(part).register_forward_pre_hook(
            lambda _module, inputs, name=name: seen.__setitem__(name, inputs[0])
        )
        for name, part in INPUTS.items()
    ]
    driven = inputs.kp_driven.expand(2, -1, -1)
    run = outputs_of(network, PARTS, rendered_heads.features, rendered_heads.alpha, driven, pictures)
    for hook in hooks:
        hook.remove()
    field = run.pop("motion")
    run |= seen | {
        "block0_x": run.pop("block0").features,
        "deformation": field.deformation,
        "occlusion": field.occlusion,
        "occlusion_2_raw": field.torso,
        "head_torso_block_x": run.pop("head_torso_block").features,
        "block1_x": run["block1"].features,
        "image_unclamped": run.pop("block1").rgb,
        "image": run.pop("frames").image,
    }
    return run


def of_camera(run: dict[str, Tensor], camera: int) -> dict[str, Tensor]:
    """One camera's part of a run of both; what depends on the portrait alone was computed once."""
    one = {name: value[camera : camera + 1] if len(value) > 1 else value for name, value in run.items()}
    return one | {
        "loss_occlusion_reg_l1": one["occlusion"].mean(),
        "loss_occlusion_2_reg_l1": one["occlusion_2"].mean(),
        "loss_occlusion_2_weights_entropy": entropy(one["occlusion_2"]),
    }


@pytest.mark.parametrize("camera", CAMERAS)
def test_every_part_is_the_originals(raw_run: dict[str, Tensor], camera: int) -> None:
    recorded, found = Recorded(f"torso_sr_cam{camera}"), of_camera(raw_run, camera)
    assert set(recorded.names()) == set(found)
    for name, value in found.items():
        recorded.assert_close(name, value, CHAIN)


@pytest.fixture(scope="module")
def portrait(folded: FoldedSuperResolution, pictures: PortraitPictures) -> PortraitFeatures:
    with torch.no_grad():
        return folded.portrait(pictures)


@pytest.fixture(scope="module")
def folded_run(
    folded: FoldedSuperResolution,
    portrait: PortraitFeatures,
    rendered_heads: RenderedHeads,
    inputs: NetInputs,
) -> dict[str, Tensor]:
    """Both cameras at once."""
    driven = inputs.kp_driven.expand(2, -1, -1)
    run = outputs_of(folded, FOLDED_PARTS, rendered_heads.features, rendered_heads.alpha, driven, portrait)
    torso = run.pop("generator")
    run |= {
        "torso_rgb": torso.rgb,
        "occlusion_2": torso.cover,
        "image_unclamped": run.pop("block1").rgb,
        "person": run["frames"].person,
        "image": run.pop("frames").image,
    }
    return run


@pytest.mark.parametrize("camera", CAMERAS)
def test_folded_is_the_originals(folded_run: dict[str, Tensor], camera: int) -> None:
    recorded = Recorded(f"torso_sr_cam{camera}")
    assert {*FOLDED_NAMES, "person"} == set(folded_run)
    for name in FOLDED_NAMES:
        recorded.assert_close(name, folded_run[name][camera : camera + 1], CHAIN)


def run_one(
    folded: FoldedSuperResolution, heads: RenderedHeads, driven: Tensor, *others: object
) -> HTBSRFrames:
    """Of camera 1 alone."""
    with torch.no_grad():
        return folded(heads.features[1:], heads.alpha[1:], driven, *others)


def test_single_equals_batched(
    folded: FoldedSuperResolution,
    folded_run: dict[str, Tensor],
    rendered_heads: RenderedHeads,
    portrait: PortraitFeatures,
    inputs: NetInputs,
) -> None:
    frames = run_one(folded, rendered_heads, inputs.kp_driven, portrait)
    for name, found in (("image", frames.image), ("person", frames.person)):
        difference = (found - folded_run[name][1:]).abs()
        assert difference.max() < 1e-4, name
        assert difference.mean() < 5e-6, name


def test_threshold_and_background_of_a_call(
    network: SuperResolution,
    folded: FoldedSuperResolution,
    rendered_heads: RenderedHeads,
    pictures: PortraitPictures,
    portrait: PortraitFeatures,
    inputs: NetInputs,
    folded_run: dict[str, Tensor],
) -> None:
    """They act as if the network had been given them with the portrait."""
    other = smooth_image("other background", 3)
    heads, threshold = rendered_heads, 0.1
    with torch.no_grad():
        behind = folded.background(other)
        wanted = network(
            heads.features[1:],
            heads.alpha[1:],
            inputs.kp_driven,
            replace(pictures, background=other),
            threshold,
        )
    found = run_one(folded, heads, inputs.kp_driven, portrait, threshold, behind)
    assert (found.image - wanted.image).abs().max() < 1e-3
    assert (found.image - wanted.image).abs().mean() < 5e-5
    assert torch.allclose(found.person, wanted.person, atol=1e-4)
    assert (found.image - folded_run["image"][1:]).abs().mean() > 0.003
    assert (found.person - folded_run["person"][1:]).abs().max() > 0.01


def test_half_precision_is_close(
    folded: FoldedSuperResolution,
    folded_run: dict[str, Tensor],
    rendered_heads: RenderedHeads,
    pictures: PortraitPictures,
    inputs: NetInputs,
) -> None:
    """Runs last: it changes the network's weights."""
    half = folded.to(torch.bfloat16)
    with torch.no_grad():
        portrait = half.portrait(pictures)
    frames = run_one(half, rendered_heads, inputs.kp_driven, portrait)
    assert frames.image.dtype == frames.person.dtype == torch.float32
    error = (frames.image - folded_run["image"][1:]).square().mean()
    assert 10 * torch.log10(4 / error) > 40  # dB
