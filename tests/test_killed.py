"""A run that is killed while it writes; `python -m tests.killed` kills at ten random moments."""

import sys
import time

import pytest

from real3d_core.part_files import PART

from . import killed


@pytest.mark.skipif(sys.platform == "win32", reason="there a dead run's files go after a minute only")
def test_killed_in_the_middle_of_writing(tmp_path, models_folder, astronaut):
    place = killed.make_place(tmp_path, models_folder.resolve(), seconds=0.2)
    seen = []

    def writing(run):
        """Until a video is being written."""
        end = time.monotonic() + killed.TIMEOUT
        while not seen and run.poll() is None and time.monotonic() < end:
            seen.extend(p for p in place.left() if PART.fullmatch(p.name) and p.suffix == ".mp4")
            time.sleep(0.01)

    assert killed.kill_one(place, writing) == []
    assert seen
    assert [path.name for path in place.left() if path.suffix != ".png"] == ["talk.mp4"]
