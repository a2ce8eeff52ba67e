"""Files of trained weights: the converter for the originals, and the loader for what it writes."""

from .conversion import Converted, convert, original_of, originals
from .files import Files, ModelFile, files_of, model_files
from .networks import Host, load_model
from .store import FORMAT

__all__ = [
    "FORMAT",
    "Converted",
    "Files",
    "Host",
    "ModelFile",
    "convert",
    "files_of",
    "load_model",
    "model_files",
    "original_of",
    "originals",
]
