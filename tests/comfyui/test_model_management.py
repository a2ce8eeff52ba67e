"""Our weights in ComfyUI's own model management, in a Python of its own without a server.

On a machine without an accelerator the load and the offload device are the same, so a move is also watched
with "meta" as the offload device.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from .server import ROOT

SCRIPT = Path(__file__).with_name("use_weights.py")


@pytest.fixture(scope="module")
def seen(setup):
    """What the script saw."""
    modes = [one for one in setup.arguments if one in ("--cpu", "--novram", "--lowvram", "--highvram")]
    done = subprocess.run(
        [setup.python, os.fspath(SCRIPT), os.fspath(ROOT), *modes],
        cwd=setup.folder,
        env=os.environ | {"PYTHONPATH": os.fspath(setup.folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_weights_are_loaded_used_and_unloaded(seen):
    assert seen["listed_when_made"] == 0  # nothing is loaded before it is used
    assert seen["listed_when_used"] == seen["listed_when_used_again"] == 1
    assert seen["device"] == seen["load"] and seen["devices_when_used"] == [seen["load"]]
    assert not seen["training"] and seen["finite"]
    assert seen["listed_after_unload"] == 0 and seen["devices_after_unload"] == [seen["offload"]]
    assert seen["same_result_after_unload"]


def test_weights_made_inside_a_node_can_be_moved_outside(seen):
    assert seen["made_of_inference_tensors"] and not seen["holds_inference_tensors"]


def test_an_unload_reaches_all_tensors(seen):
    """Parameters beside layers that have their own, and buffers."""
    assert seen["devices_after_unload_elsewhere"] == ["meta"]


def test_several_threads_may_ask_at_once(seen):
    assert seen["threads_agree"] and seen["listed_after_threads"] == 1


def test_weights_go_with_their_object(seen):
    assert seen["freed"] and seen["listed_after_drop"] == 0


def test_half_precision_is_what_comfyui_says(seen):
    wanted = "bfloat16" if seen["bf16"] else "float16" if seen["fp16"] else "float32"
    assert seen["half_dtype"] == f"torch.{wanted}" and seen["dtype"] == "torch.float32"
