"""Real3D-Portrait without ComfyUI: the stages, the wires between them, and what they share.

Importing this package imports nothing heavy; torch is imported by the modules that need it.
"""
