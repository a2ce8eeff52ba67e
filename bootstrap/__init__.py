"""What quickstart.py does, in the standard library alone: no node and no stage imports anything of it."""
