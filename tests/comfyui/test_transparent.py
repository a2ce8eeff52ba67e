"""A video on demand given with its mask: ComfyUI hands on the very tensor that stands for all masks."""

import os

import av
import numpy as np

from . import graphs


def test_each_frame_is_made_transparent_by_its_own_mask(server):
    graph = graphs.head() | graphs.pictures(deliver="video on demand")
    graph |= graphs.combine(["pictures", 1], "person", alpha=["pictures", 2], format="mov")
    before, masters = set(server.files("output")), masters_of(server)
    server.run(graph)
    (path,) = set(server.files("output")) - before
    # A mask for all frames would have been put on a rendered master. Masters of other tests may go meanwhile.
    assert masters_of(server) <= masters
    with av.open(os.fspath(path)) as video:
        alpha = [frame.to_ndarray(format="rgba")[..., 3].astype(int) for frame in video.decode(video=0)]
    assert len(alpha) == 10 and np.abs(alpha[-1] - alpha[0]).max() > 20  # the head moves
    assert alpha[0][470, 200] > 250 and alpha[0][10, 10] < 5


def masters_of(server):
    return {path for path in server.files("temp") if path.name.startswith("real3d_master")}
