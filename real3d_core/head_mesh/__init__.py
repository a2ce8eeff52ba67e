"""Head Mesh: one frame of a tri-plane becomes a closed mesh with the photo as its texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import BackendError, RenderError
from ..image_to_plane.avatar import AnalyticAvatar, portrait_key
from ..motion_adapter.expression import shape_weights
from ..portrait.regions import CHIN
from ..render_triplane.cameras import head_transform
from ..render_triplane.decoder import decode
from ..render_triplane.sampling import sample_planes
from ..streaming import no_check, one_torch_thread
from ..wires import Portrait, TriPlane
from .bust import Bust, bust
from .rounding import rounded
from .solid import Deep, HeadSolid, head_solid, on_surface, sampled
from .surface_nets import Surface, closed_surface, largest_part

METRES_PER_SIDE = 0.37  # of a network's box, whose face model measures in decimetres (0.27 of the box each)
RESOLUTIONS = (32, 384)
MOST_DENSE = 1000.0
EVENINGS = 5  # of the normals, at a resolution of 192


@dataclass(frozen=True)
class HeadMesh:
    """A closed mesh of one part.

    Convention: right-handed, y up, the face looks along z, the person's left is +x.

    vertices    [V, 3] float32
    triangles   [F, 3] int64, counter-clockwise from outside
    normals     [V, 3] float32 unit vectors, smooth
    colours     [V, 3] float32 0..1, None if there is a texture
    uvs         [V, 2] float32 0..1 of the texture, v down; vertices on the seam are there twice
    texture     [h, w, 3] float32 0..1
    """

    vertices: Tensor
    triangles: Tensor
    normals: Tensor
    colours: Tensor | None = None
    uvs: Tensor | None = None
    texture: Tensor | None = None


@dataclass(frozen=True)
class MeshSettings:
    """frame       of the tri-plane's motion
    resolution  cells along a side of the tri-plane's box, 32..384
    texture     512, 768 or 1024: size of the portrait's picture that the texture is cut from
    is_head     of a built-in head with its portrait: a head of its own, with a neck and a round back and no
                collar, instead of the volume as it is rendered
    pose        puts the head where the motion's pose puts it
    metres      in metres, else in sides of the tri-plane's box
    density     raw density of a network's surface, 0 = 10
    """

    frame: int = 0
    resolution: int = 192
    texture: int = 1024
    is_head: bool = True
    pose: bool = False
    metres: bool = True
    density: float = 0.0


def head_mesh(
    triplane: TriPlane,
    portrait: Portrait | None = None,
    settings: MeshSettings | None = None,
    check: Callable[[], None] = no_check,
    progress: Callable[[float], None] | None = None,
) -> HeadMesh:
    """The head of one frame, on the CPU.

    portrait    the built-in head's own, whose photo becomes the texture; without it, and for networks, the
                decoder's colours become colours of the vertices.
    check       called now and then; whatever it raises ends the work.
    progress    told the share that is done, 0..1.

    Raises RenderError for a frame, resolution or density that does not exist and where the volume has no
    surface, BackendError if the portrait is another's.
    """
    settings = settings or MeshSettings()
    _check(triplane, portrait, settings)
    at_rest = _frame_at_rest(triplane, settings.frame)
    is_textured = portrait is not None and isinstance(triplane.avatar, AnalyticAvatar)
    with one_torch_thread():
        shape = _bust(at_rest, portrait) if is_textured and settings.is_head else None
        solid = head_solid(at_rest, 0, settings.density, shape)
        surface = _surface(solid, settings, check, progress)
        points = surface.vertices.astype(np.float32)
        normals = smooth_normals(points, surface.triangles, _evenings(settings.resolution))
        check()
        if is_textured:
            mesh = _textured(at_rest, portrait, Surface(points, surface.triangles), normals, settings)
        else:
            colours = _colours(at_rest, torch.from_numpy(points).to(solid.device))
            mesh = _mesh(points, surface.triangles, normals, colours=colours)
    return _placed(mesh, triplane, settings)


def _check(triplane: TriPlane, portrait: Portrait | None, settings: MeshSettings) -> None:
    if not 0 <= settings.frame < len(triplane):
        raise RenderError(
            f"Frame {settings.frame} was asked of a TRIPLANE of {len(triplane)}; choose one from 0 to"
            f" {len(triplane) - 1}."
        )
    low, high = RESOLUTIONS
    if not low <= settings.resolution <= high:
        raise RenderError(
            f"A mesh of resolution {settings.resolution} was asked for; choose {low} to {high}."
        )
    if not 0 <= settings.density <= MOST_DENSE:
        raise RenderError(f"A density of {settings.density} was asked for; choose 0 to {MOST_DENSE:g}.")
    if portrait is not None and getattr(triplane.avatar, "photo_key", None) != portrait_key(portrait):
        raise BackendError(
            "Head Mesh got a TRIPLANE made from another PORTRAIT; connect the same Load Portrait to both."
        )


def _frame_at_rest(triplane: TriPlane, frame: int) -> TriPlane:
    """The expression of one frame without its pose."""
    if triplane.motion is None:
        return triplane
    one = triplane.motion[frame : frame + 1]
    still = replace(one, euler=torch.zeros_like(one.euler), translation=torch.zeros_like(one.translation))
    return replace(triplane, motion=still)


def _bust(triplane: TriPlane, portrait: Portrait) -> Bust:
    """What makes a head of the volume, at the expression of one frame."""
    avatar, chin_drop = triplane.avatar, 0.0
    if triplane.motion is not None:
        weights = shape_weights(triplane.motion, avatar.fields.names).shapes
        chin_drop = -float(weights[0] @ avatar.fields.displacements[:, CHIN, 1])
    return bust(portrait, avatar, chin_drop).to(triplane.planes.device)


def _surface(
    solid: HeadSolid,
    settings: MeshSettings,
    check: Callable[[], None],
    progress: Callable[[float], None] | None,
) -> Surface:
    """The surface in the world."""
    grid = sampled(solid, settings.resolution, check, progress)
    shape: Deep = solid
    if grid is not None and solid.bust is not None:
        shape, grid = rounded(solid, solid.bust, grid)
    surface = None if grid is None else largest_part(closed_surface(grid.solid))
    if surface is None or len(surface.vertices) == 0:
        raise RenderError(
            "The tri-plane has no surface of this density; choose another density, or check the model that"
            " made it."
        )
    check()
    points = torch.from_numpy((grid.origin + surface.vertices * grid.cell).astype(np.float32))
    points = on_surface(shape, points.to(solid.device), grid.cell)
    if not bool(torch.isfinite(points).all()):
        raise RenderError("The tri-plane holds values that are no numbers; check the model that made it.")
    return Surface(points.cpu().numpy(), surface.triangles)


def _evenings(resolution: int) -> int:
    """How often normals are evened out, so that it reaches equally far at any resolution."""
    return round(EVENINGS * (resolution / 192) ** 2)


def smooth_normals(points: np.ndarray, triangles: np.ndarray, evenings: int = 0) -> np.ndarray:
    """[V, 3] float32: means of the normals of the triangles around each vertex, by their areas.

    evenings    how many times a normal moves half-way to the mean of its neighbours'. The facets of the face
                model that gave a head its depth are not seen in the light then.
    """
    from scipy.sparse import coo_matrix

    corner = points[triangles].astype(np.float64)
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.stack(
        [
            np.bincount(triangles.ravel(), np.repeat(face[:, axis], 3), minlength=len(points))
            for axis in range(3)
        ],
        1,
    )
    normals = _unit(total)
    start, end = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    links = coo_matrix((np.ones(len(start)), (start, end)), (len(points),) * 2).tocsr()
    for _ in range(evenings):
        normals = _unit(normals + _unit(links @ normals))
    return normals.astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [n, 3] of length 1; up where there is no direction."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-12, vectors / np.maximum(length, 1e-12), np.array([0.0, 1.0, 0.0]))


def _textured(
    triplane: TriPlane, portrait: Portrait, surface: Surface, normals: np.ndarray, settings: MeshSettings
) -> HeadMesh:
    from .texture import paint, unwrap

    points = surface.vertices
    cut = unwrap(
        points, surface.triangles, portrait.landmarks.cpu().numpy(), triplane.avatar, settings.is_head
    )
    painted = paint(triplane, portrait, cut, settings.texture, settings.is_head)
    mesh = _mesh(points[cut.source], cut.triangles, normals[cut.source])
    return replace(mesh, uvs=torch.from_numpy(painted.uvs), texture=painted.texture)


def _colours(triplane: TriPlane, points: Tensor) -> Tensor:
    """[V, 3] the decoder's colours at points [V, 3]."""
    planes = triplane.frames(0, 1)
    parts = [
        decode(sample_planes(planes, some[None]), triplane.decoder).colour[0, :3].T
        for some in points.split(1 << 15)
    ]
    return torch.cat(parts).clamp(0, 1).cpu()


def _mesh(
    points: np.ndarray, triangles: np.ndarray, normals: np.ndarray, colours: Tensor | None = None
) -> HeadMesh:
    tensors = (torch.from_numpy(np.ascontiguousarray(part)) for part in (points, triangles, normals))
    return HeadMesh(*tensors, colours=colours)


def _placed(mesh: HeadMesh, triplane: TriPlane, settings: MeshSettings) -> HeadMesh:
    """The mesh with its pose, in its unit."""
    vertices, normals = mesh.vertices, mesh.normals
    if settings.pose and triplane.motion is not None:
        row = slice(settings.frame, settings.frame + 1)
        moved = head_transform(
            triplane.motion.euler[row].cpu(), triplane.motion.translation[row].cpu(), triplane.pivot.cpu()
        )[0]
        vertices = vertices @ moved[:3, :3].T + moved[:3, 3]
        normals = normals @ moved[:3, :3].T
    if settings.metres:
        avatar = triplane.avatar
        is_analytic = isinstance(avatar, AnalyticAvatar)
        vertices = vertices * (0.01 / avatar.centimetre if is_analytic else METRES_PER_SIDE)
    return replace(mesh, vertices=vertices.contiguous(), normals=normals.contiguous())
