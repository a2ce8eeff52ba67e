"""The MODEL wire: which backend serves the stages."""

from __future__ import annotations

from dataclasses import dataclass

BUILT_IN = "built-in"


@dataclass(frozen=True)
class Model:
    """A backend of the stages.

    name    what the user picked: "built-in" or the name of a converted file.
    kind    "analytic" (needs no weights) or "network".
    """

    name: str
    kind: str

    @staticmethod
    def built_in() -> Model:
        """The analytic backend."""
        return Model(name=BUILT_IN, kind="analytic")
