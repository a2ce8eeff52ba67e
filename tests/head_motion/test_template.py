"""The default workflow: its head and eyes are Head Motion's alone, and hear the same sound as the lips."""

from __future__ import annotations

import json
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parents[2] / "workflows" / "talking_portrait.json"


def test_the_default_workflow_has_one_of_each_movement() -> None:
    graph = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    nodes = {node["type"]: node for node in graph["nodes"]}
    speech, lively = nodes["R3DP_AudioToMotion"], nodes["R3DP_HeadMotion"]
    values = dict(
        zip(
            ("mouth_amplitude", "temperature", "seed", "control", "head_motion", "blink", "fps"),
            speech["widgets_values"],
            strict=True,
        )
    )
    assert values["head_motion"] == 0 and values["blink"] == 0
    assert lively["widgets_values"] == [0, "fixed", 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    ends = {(link[1], link[3]) for link in graph["links"]}
    sound, adapter = nodes["LoadAudio"]["id"], nodes["R3DP_MotionAdapter"]["id"]
    assert {(sound, speech["id"]), (sound, lively["id"]), (speech["id"], lively["id"])} <= ends
    assert (lively["id"], adapter) in ends and (speech["id"], adapter) not in ends
