"""Fit of the face model to face mesh landmarks: first the pose, then pose and shape together.

Gradient descent (Adam) on the weighted squared distance in the model's 224-pixel picture, with coefficients
held small and, in a clip, smooth over time. Only the vertices of the landmarks are evaluated.
See docs/model.md, "Face model and SECC maps".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import FaceNotFoundError
from ..streaming import no_check, one_torch_thread
from ..wires import FaceCoefficients, _Movable
from .bfm import EXPRESSION_SIZE, IDENTITY_SIZE, FaceModel, LinearShape
from .landmark_weights import IMAGE_WEIGHTS, LANDMARKS, VIDEO_WEIGHTS, LandmarkWeights
from .poses import FIT_SIZE, PoseTrack, projected

STEPS_PER_STAGE = 200
LEARNING_RATE = 0.1

CHUNK = 500
"""Frames whose landmarks are evaluated at once: bounds the memory of long clips."""


@dataclass(frozen=True)
class FaceTrack(_Movable):
    """3DMM coefficients of a clip of one person.

    identity [80], expression [n, 64], euler [n, 3] rad, translation [n, 3]: absolute poses (see poses.py).
    """

    identity: Tensor
    expression: Tensor
    euler: Tensor
    translation: Tensor

    @property
    def poses(self) -> PoseTrack:
        return PoseTrack(self.euler, self.translation)

    def frame(self, index: int) -> FaceCoefficients:
        return FaceCoefficients(
            self.identity, self.expression[index], self.euler[index], self.translation[index]
        )


@dataclass(frozen=True)
class _Recipe:
    """How strongly the coefficients are held: weights of mean squares, and of roughness over time."""

    weights: LandmarkWeights
    identity: float
    expression: float
    rough_expression: float = 0.0
    rough_pose: float = 0.0


_IMAGE = _Recipe(IMAGE_WEIGHTS, identity=0.3, expression=0.05)
_VIDEO = _Recipe(VIDEO_WEIGHTS, identity=0.2, expression=0.6, rough_expression=1.0, rough_pose=0.3)


def fit_image(
    face_model: FaceModel,
    landmarks: Tensor,
    size: int,
    check: Callable[[], None] = no_check,
    progress: Callable[[int, int], None] | None = None,
) -> FaceCoefficients:
    """Fits one picture, on the device of the face model.

    landmarks  [468 or more, 2 or more] pixels x, y (y down) of a square picture with sides of `size` pixels;
               what lies beyond 468 rows and 2 columns is not used
    check      called now and then; may raise to stop the fit
    progress   called with (steps done, steps in all)

    Raises FaceNotFoundError if landmarks are too few or not finite.
    """
    return _fit(face_model, landmarks[None], size, _IMAGE, check, progress).frame(0)


def fit_video(
    face_model: FaceModel,
    landmarks: Tensor,
    size: int,
    check: Callable[[], None] = no_check,
    progress: Callable[[int, int], None] | None = None,
) -> FaceTrack:
    """Fits a clip of one person with one identity: landmarks [n, 468 or more, 2 or more]; else as fit_image.

    Frames without a face must have been filled in before: rows count as evenly spaced in time.
    """
    return _fit(face_model, landmarks, size, _VIDEO, check, progress)


def _fit(
    face_model: FaceModel,
    landmarks: Tensor,
    size: int,
    recipe: _Recipe,
    check: Callable[[], None],
    progress: Callable[[int, int], None] | None,
) -> FaceTrack:
    if landmarks.ndim != 3 or len(landmarks) == 0 or landmarks.shape[1] < LANDMARKS or landmarks.shape[2] < 2:
        raise FaceNotFoundError(
            f"Face landmarks have the shape {list(landmarks.shape)} where 468 points of x and y per frame are"
            " needed; detect the face again."
        )
    # The host runs nodes under inference_mode, whose tensors no gradient may pass.
    with torch.inference_mode(False), torch.enable_grad(), one_torch_thread():
        device = face_model.mean.device
        points = landmarks[:, :LANDMARKS, :2].to(device, torch.float32).clone()
        if not bool(torch.isfinite(points).all()):
            raise FaceNotFoundError("Face landmarks hold NaN or infinite numbers; detect the face again.")
        wanted = torch.stack([points[..., 0], size - points[..., 1]], -1) * (FIT_SIZE / size)
        problem = _Problem(face_model.at(face_model.index468.clone()), wanted, recipe)
        return problem.solved(check, progress)


class _Adam:
    """Adam as published (betas 0.9 and 0.999, epsilon 1e-8) on one tensor.

    torch.optim loads torch's compiler when it is first used, which takes longer than the fit of a picture.
    """

    def __init__(self, value: Tensor) -> None:
        self.value = value.requires_grad_()
        self._mean, self._square, self._step = torch.zeros_like(value), torch.zeros_like(value), 0

    @torch.no_grad()
    def step(self) -> None:
        self._step += 1
        gradient = self.value.grad
        self._mean.lerp_(gradient, 0.1)
        self._square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        scale = (1 - 0.999**self._step) ** 0.5
        self.value.addcdiv_(
            self._mean,
            (self._square.sqrt() / scale).add_(1e-8),
            value=-LEARNING_RATE / (1 - 0.9**self._step),
        )
        self.value.grad = None


class _Problem:
    """The coefficients of one fit on their way to the landmarks."""

    def __init__(self, model: LinearShape, wanted: Tensor, recipe: _Recipe) -> None:
        self._model, self._wanted, self._recipe = model, wanted, recipe
        self._weights = recipe.weights.each().to(wanted)[:, None]

        def zeros(rows: int, columns: int) -> Tensor:
            return torch.zeros(rows, columns, device=wanted.device)

        frames = len(wanted)
        self._identity, self._expression = zeros(1, IDENTITY_SIZE), zeros(frames, EXPRESSION_SIZE)
        self._euler, self._translation = zeros(frames, 3), zeros(frames, 3)

    def solved(self, check: Callable[[], None], progress: Callable[[int, int], None] | None) -> FaceTrack:
        pose = [_Adam(self._euler), _Adam(self._translation)]
        shape = [_Adam(self._identity), _Adam(self._expression)]
        for step in range(2 * STEPS_PER_STAGE):
            check()
            with_shape = step >= STEPS_PER_STAGE
            self._add_gradients(with_shape, check)
            for part in pose + shape if with_shape else pose:
                part.step()
            if progress is not None:
                progress(step + 1, 2 * STEPS_PER_STAGE)
        found = (self._identity[0], self._expression, self._euler, self._translation)
        return FaceTrack(*(value.detach() for value in found))

    def _add_gradients(self, with_shape: bool, check: Callable[[], None]) -> None:
        for first in range(0, len(self._wanted), CHUNK):
            if first:
                check()
            self._distance(slice(first, first + CHUNK), with_shape).backward()
        if with_shape:
            self._restraint().backward()

    def _distance(self, frames: slice, with_shape: bool) -> Tensor:
        """The part of the mean weighted squared distance that some frames contribute."""
        points = self._model.mean
        if with_shape:
            points = self._model.shape(self._identity, self._expression[frames])
        poses = PoseTrack(self._euler[frames], self._translation[frames]).rigid()
        missed = projected(poses.seen(points)) - self._wanted[frames]
        return (self._weights * missed.square()).sum() / self._wanted.numel()

    def _restraint(self) -> Tensor:
        recipe = self._recipe
        total = recipe.identity * self._identity.square().mean()
        total = total + recipe.expression * self._expression.square().mean()
        if recipe.rough_expression:
            total = total + recipe.rough_expression * _roughness(self._expression)
        if recipe.rough_pose:
            total = total + recipe.rough_pose * (_roughness(self._euler) + _roughness(self._translation))
        return total


def _roughness(track: Tensor) -> Tensor:
    """Mean square of the filter (-1/2, 1, -1/2) along a track [n, c], whose ends are repeated."""
    longer = torch.cat([track[:1], track, track[-1:]])
    return (track - (longer[:-2] + longer[2:]) / 2).square().mean()
