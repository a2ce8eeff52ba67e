"""A full or read-only disk under a server: one sentence at the node that saves, and no broken file."""

import pytest

from tests.sentences import assert_one_sentence

from .graphs import combine, save_video
from .test_on_demand import FRAMES, length, masters, on_demand
from .test_run import saved

ERRORS = {"ENOSPC": "No space left on device", "EROFS": "Read-only file system"}
SAVERS = {"R3DP_VideoCombine": combine, "SaveVideo": save_video}


@pytest.mark.parametrize("folder", ["output", "temp"])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", SAVERS)
def test_a_disk_that_fails_while_a_video_on_demand_is_saved(server, kind, error, folder):
    server.free()  # else a master of another test would be there
    made = on_demand(coarse_samples=26) | SAVERS[kind](["pictures", 1], "kept")
    before = server.files("output"), masters(server)
    with server.failing(folder, error):
        run = server.finish(server.start(made))
    (told,) = run.of("execution_error")
    assert (told.data["node_id"], told.data["node_type"]) == ("kept", kind)
    assert_one_sentence(run.error.strip())
    assert ERRORS[error] in run.error and str(server.base / folder) in run.error
    assert ("HTB-SR: " in run.error) == (folder == "temp")  # whose video cannot be rendered
    assert server.files("output") == before[0]
    assert not [path for path in server.files("temp") if path.name.startswith(".")]
    made_masters = masters(server) - before[1]
    assert len(made_masters) == (folder == "output")
    assert all(length(path)[2] == FRAMES for path in made_masters)
    again = server.run(made)  # somebody makes room
    assert again.executed == ["kept"]
    assert length(saved(server, again, "kept"))[2] == FRAMES
