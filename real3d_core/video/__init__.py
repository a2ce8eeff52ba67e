"""Writes and reads video and sound files by PyAV, one frame at a time."""
