"""Tools for motions: groups of channels, editing, blending, files, presets, and a picture of the curves."""
