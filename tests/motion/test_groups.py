"""Groups of channels."""

from __future__ import annotations

import pytest

from real3d_core.motion.groups import GROUP_COLUMNS, GROUPS, GroupAmounts, group_of
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("jawOpen", "mouth"),
        ("mouthClose", "mouth"),
        ("cheekPuff", "mouth"),
        ("cheekSquintLeft", "mouth"),
        ("noseSneerRight", "mouth"),
        ("tongueOut", "mouth"),
        ("browInnerUp", "brows"),
        ("eyeBlinkLeft", "eyes"),
        ("eyeLookInRight", "eyes"),
    ],
)
def test_each_blendshape_has_its_group(name: str, group: str) -> None:
    assert group_of(name) == group
    assert ARKIT_INDEX[name] in GROUP_COLUMNS[group]


def test_every_blendshape_is_in_one_group() -> None:
    assert sorted(column for group in GROUPS for column in GROUP_COLUMNS[group]) == list(range(52))
    assert GROUP_COLUMNS["head"] == ()
    assert [len(GROUP_COLUMNS[group]) for group in GROUPS] == [33, 5, 14, 0]


def test_amounts_of_columns() -> None:
    columns = GroupAmounts(mouth=1, brows=2, eyes=3, head=4).columns()
    assert [columns[ARKIT_NAMES.index(name)] for name in ("jawOpen", "browInnerUp", "eyeWideLeft")] == [
        1,
        2,
        3,
    ]
    assert GroupAmounts(2, 2, 2, 2).are_all(2) and not GroupAmounts(2, 2, 2, 1).are_all(2)
