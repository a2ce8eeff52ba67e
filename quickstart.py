"""From a fresh copy of this repository to a talking portrait, with one command. Standard library only.

    python quickstart.py            an environment of its own (.venv), the face nets, the demo video
    python quickstart.py test       the same environment with the development tools: lint, format, tests
    python quickstart.py nets       the face nets alone; --models says where (ComfyUI: models/real3d_portrait)

Safe to run again at any time: what is finished is skipped, what was interrupted is done anew.
This file keeps to the syntax of very old Pythons, so that they print a sentence instead of a syntax error;
the work is done in bootstrap/.
"""

import sys

OLDEST_PYTHON = (3, 10)


def start():
    """Checks the Python, then runs the command line; returns the exit status."""
    if sys.version_info < OLDEST_PYTHON or sys.maxsize < 2**32:
        sys.exit(
            "Real3D-Portrait needs a 64-bit Python 3.10 or newer, and this is Python "
            + sys.version.split()[0]
            + ".\nInstall Python 3.10 to 3.13 and run this file with it, such as: python3.12 quickstart.py"
        )
    import signal

    from bootstrap.commands import main

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill tidies up as Ctrl-C does
    return main(__doc__)


if __name__ == "__main__":
    sys.exit(start())
