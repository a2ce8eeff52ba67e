"""Typed errors. Each message is one sentence: what is wrong, where, and what to do about it."""


class Real3DError(Exception):
    """Base of every error that this package raises on purpose."""


class ImageError(Real3DError):
    """A picture cannot be read or has a size or layout that cannot be used."""


class FaceNotFoundError(Real3DError):
    """No usable human face was found in a picture."""


class FaceNetsError(Real3DError):
    """The face nets are missing, damaged or could not be fetched."""


class AudioError(Real3DError):
    """Sound cannot be read or cannot be used."""


class MotionError(Real3DError):
    """A motion has the wrong shape, rate or values."""


class CameraError(Real3DError):
    """A description of a camera's movement cannot be understood or has values that cannot be used."""


class BackendError(Real3DError):
    """Parts of different backends or portraits were combined where that cannot work."""


class RenderError(Real3DError):
    """A render request cannot be met: bad camera, bad resolution, not enough memory."""


class DependencyError(Real3DError):
    """A Python package that a stage needs is missing or broken."""


class CheckpointError(Real3DError):
    """A file of released weights or of the face model is missing, damaged or cannot be used."""


class OutputError(Real3DError):
    """A result cannot be written."""


class WorkflowError(Real3DError):
    """A workflow file cannot be read or run."""
