"""How a command of the pack ends: its exit code, and one line for an error."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ...real3d_core.errors import Real3DError


def exit_code_of(work: Callable[[], int], debug: bool) -> int:
    """Does the work and returns its exit code, 130 if the user interrupts it, 1 with a line for an error.

    debug       lets an error through, with its traceback.
    """
    try:
        return work()
    except KeyboardInterrupt:
        print("cancelled", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            raise
        message = str(error) if isinstance(error, Real3DError) else f"{type(error).__name__}: {error}"
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        return 1
