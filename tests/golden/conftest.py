"""What several golden tests need and takes seconds to make: filled networks and their planes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from real3d_core.image_to_plane.backbone import CanonicalPlanes
from real3d_core.model import Model
from real3d_core.motion_adapter.backbone import MotionPlanes
from real3d_core.wires import Camera, HeadRender, RenderSettings, TriPlane
from tests.deterministic import NetInputs, decoder_weights, fill_module, net_inputs
from tests.golden.recorded import Recorded
from tests.golden.running import outputs_of


@pytest.fixture(scope="session")
def inputs() -> NetInputs:
    """The recorded runs' pictures, segmentation and key points."""
    return net_inputs()


# --- planes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NetworkPlanes:
    """[1, 3, 32, 256, 256] each: canonical, residual, and their sum."""

    canonical: Tensor
    residual: Tensor
    fused: Tensor


@pytest.fixture(scope="session")
def canonical_planes_module() -> CanonicalPlanes:
    return fill_module(CanonicalPlanes(), "cano_img2plane_backbone.")


@pytest.fixture(scope="session")
def motion_planes_module() -> MotionPlanes:
    return fill_module(MotionPlanes(), "secc_img2plane_backbone.")


CANONICAL_PARTS = {
    "resnet_stage1": "low_reso_encoder.encoder.relu",
    "resnet_stage2": "low_reso_encoder.encoder.layer1",
    "resnet_stage3": "low_reso_encoder.encoder.layer2",
    "resnet_stage4": "low_reso_encoder.encoder.layer3",
    "resnet_stage5": "low_reso_encoder.encoder.layer4",
    "low_reso_encoder": "low_reso_encoder",
    "vit_patch_embed": "low_reso_vit.patch_embed",
    "vit_block1": "low_reso_vit.block1",
    "low_reso_vit": "low_reso_vit",
    "high_reso_encoder": "high_reso_encoder",
    "triplane_predictor": "triplane_predictor_vit",
    "planes": "",
}
MOTION_PARTS = {
    "prenet": "prenet",
    "mit": "mix_vit",
    "fuse_head": "fuse_head",
    "to_plane_cnn": "to_plane_cnn",
    "planes_secc": "",
}


@pytest.fixture(scope="session")
def canonical_run(canonical_planes_module: CanonicalPlanes, inputs: NetInputs) -> dict[str, Tensor]:
    """Everything that cano_plane.npz records, of one run."""
    return outputs_of(canonical_planes_module, CANONICAL_PARTS, inputs.src_head)


@pytest.fixture(scope="session")
def motion_run(
    motion_planes_module: MotionPlanes, canonical_run: dict[str, Tensor], inputs: NetInputs
) -> dict[str, Tensor]:
    """Everything that secc_plane.npz records, of one run."""
    maps = (inputs.cano_secc, inputs.src_secc, inputs.tgt_secc)
    run = outputs_of(motion_planes_module, MOTION_PARTS, *maps)
    run |= {f"mit_c{number}": one for number, one in enumerate(run.pop("mit"), 1)}
    return run | {"planes_fused": canonical_run["planes"] + run["planes_secc"]}


@pytest.fixture(scope="session")
def network_planes(canonical_run: dict[str, Tensor], motion_run: dict[str, Tensor]) -> NetworkPlanes:
    """The planes of the recorded runs, made by the networks."""
    return NetworkPlanes(canonical_run["planes"], motion_run["planes_secc"], motion_run["planes_fused"])


# --- rendered heads -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RenderedHeads:
    """What cameras 0 and 1 see of the fused planes: features [2, 32, 128, 128], alpha [2, 1, 128, 128]."""

    features: Tensor
    alpha: Tensor


@pytest.fixture(scope="session")
def rendered_heads(network_planes: NetworkPlanes) -> RenderedHeads:
    """By the plain sampler, which is the one that the recorded runs had."""
    seen = []
    for camera in Recorded("camera_rays")["camera25"][:2]:
        planes = TriPlane(
            network_planes.fused, decoder_weights(), camera, torch.zeros(3), Model("released", "network")
        )
        with torch.no_grad():
            seen.append(HeadRender(planes, Camera.front(), RenderSettings(sampler="plain")).frames(0, 1))
    return RenderedHeads(
        features=torch.cat([one.features for one in seen]), alpha=torch.cat([one.alpha for one in seen])
    )
