import random
import threading
import time
import traceback
import weakref
from dataclasses import dataclass, field

import pytest
import torch

from real3d_core import streaming
from real3d_core.errors import RenderError
from real3d_core.streaming import frames_to_tensor, iterate_frames
from real3d_core.timing import recording, stage


class Cancelled(BaseException):
    """Like ComfyUI's cancel: no Exception."""


@dataclass
class Clip:
    """Frame i is a picture full of i; notes which threads made it and how many pictures are alive."""

    count: int = 20
    seconds: float = 0.0
    fails_at: int = -1
    fps: float = 25.0
    width: int = 4
    height: int = 2
    made: list = field(default_factory=list)
    threads: set = field(default_factory=set)
    torch_threads: set = field(default_factory=set)
    alive: int = 0
    most_alive: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self):
        return self.count

    def frames(self, start, stop):
        with stage("frames"):
            if start <= self.fails_at < stop:
                raise ValueError(f"frame {self.fails_at} is broken")
            time.sleep(self.seconds * random.random() * 2)
        picture = torch.arange(start, stop).float()[:, None, None, None].expand(-1, 2, 4, 3).clone()
        with self.lock:
            self.made.append(start)
            self.threads.add(threading.get_ident())
            self.torch_threads.add(torch.get_num_threads())
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
        weakref.finalize(picture, self._gone)
        return picture

    def _gone(self):
        with self.lock:
            self.alive -= 1


def worker_threads():
    return [t for t in threading.enumerate() if t.name.startswith("real3d-frames")]


@pytest.mark.parametrize(("workers", "chunk"), [(1, 1), (3, 1), (2, 3), (40, 7), (None, 1)])
def test_order_and_content(workers, chunk):
    clip = Clip(seconds=0.001)
    chunks = list(iterate_frames(clip, 3, 18, workers=workers, chunk=chunk))
    assert all(c.shape[1:] == (2, 4, 3) and 1 <= len(c) <= chunk for c in chunks)
    assert torch.cat(chunks)[:, 0, 0, 0].tolist() == list(range(3, 18))
    assert not worker_threads()


def test_ranges():
    assert list(iterate_frames(Clip(count=5), 2, 2)) == []
    for start, stop in ((-1, 2), (3, 2), (0, 6)):
        with pytest.raises(RenderError, match="clip of 5"):
            list(iterate_frames(Clip(count=5), start, stop))
    with pytest.raises(RenderError, match="chunk"):
        list(iterate_frames(Clip(), chunk=0))


def test_workers_share_the_frames_and_have_one_torch_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        clip = Clip(seconds=0.005)
        seen = [torch.get_num_threads() for _ in iterate_frames(clip, workers=3)]
        assert len(clip.threads) == 3 and clip.torch_threads == {1}
        assert set(seen) == {2} and torch.get_num_threads() == 2
        later = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert later == [2]
    finally:
        torch.set_num_threads(before)


def test_a_source_on_an_accelerator_gets_one_worker_with_torch_untouched():
    clip = Clip()
    clip.device = torch.device("meta")
    assert streaming.default_workers(clip) == 1
    list(iterate_frames(clip))
    assert len(clip.threads) == 1 and clip.torch_threads == {torch.get_num_threads()}


@pytest.mark.parametrize("inference", [False, True])
def test_grad_mode_of_the_consumer(inference):
    with torch.inference_mode(inference):
        for frame in iterate_frames(Clip(count=2)):
            assert frame.is_inference() == inference and not frame.requires_grad
            frame += 1


def test_memory_stays_flat_when_the_consumer_is_slow():
    clip = Clip(count=60)
    for index, _ in enumerate(iterate_frames(clip, workers=2)):
        time.sleep(0.002)
        assert max(clip.made) <= index + 2 + streaming.LOOK_AHEAD
    assert clip.most_alive <= 2 + streaming.LOOK_AHEAD + 1


def test_an_error_keeps_its_traceback_and_the_frames_before_it():
    seen = []
    with pytest.raises(ValueError, match="frame 6 is broken") as caught:
        for frame in iterate_frames(Clip(fails_at=6), workers=3):
            seen.append(int(frame[0, 0, 0, 0]))
    assert seen == list(range(6))
    assert any(
        f.name == "frames" and f.filename == __file__
        for f in traceback.extract_tb(caught.value.__traceback__)
    )
    assert not worker_threads()


def test_cancel_by_check_stops_within_a_frame():
    clip, calls = Clip(count=1000, seconds=0.01), []

    def check():
        calls.append(threading.get_ident())
        if len(calls) > 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        for _ in iterate_frames(clip, workers=2, check=check):
            pass
    made = len(clip.made)
    assert set(calls) == {threading.get_ident()}
    assert made <= 5 + 2 + streaming.LOOK_AHEAD
    assert not worker_threads()
    time.sleep(0.05)
    assert len(clip.made) == made


def test_cancel_by_the_workers_poll_reaches_the_consumer():
    cancelled = threading.Event()

    def poll():
        if cancelled.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        for frame in iterate_frames(Clip(count=1000), workers=2, threads_poll=poll):
            if frame[0, 0, 0, 0] == 4:
                cancelled.set()
    assert not worker_threads()


def test_a_dropped_iteration_joins_its_workers():
    iteration = iterate_frames(Clip(count=1000, seconds=0.005), workers=2)
    next(iteration)
    iteration.close()
    assert not worker_threads()


def test_workers_record_into_the_consumers_recording():
    with recording() as recorder:
        list(iterate_frames(Clip(), workers=3))
    assert recorder.times()["frames"].calls == 20


def test_frames_to_tensor():
    done = []
    clip = frames_to_tensor(Clip(), 2, 9, on_frame=lambda count, frame: done.append((count, frame.shape)))
    assert clip[:, 0, 0, 0].tolist() == list(range(2, 9))
    assert done == [(i + 1, (2, 4, 3)) for i in range(7)]


def test_frames_of_another_size_are_named():
    class Growing(Clip):
        def frames(self, start, stop):
            return super().frames(start, stop).repeat(1, 1 + start, 1, 1)

    with pytest.raises(RenderError, match=r"Frame 3 has the shape \[8, 4, 3\]"):
        frames_to_tensor(Growing(), 2, 5)


def test_a_clip_that_does_not_fit_is_refused_before_rendering():
    clip = Clip(count=10_000_000, width=512, height=512)
    with pytest.raises(RenderError, match=r"10000000 frames of 512x512.*GB.*video on demand"):
        frames_to_tensor(clip)
    assert clip.made == []


def test_available_memory_knows_the_limit_of_a_container(tmp_path):
    assert streaming.available_memory() > 2**20
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 100000\n")
    assert streaming._container_memory(tmp_path) == 400000
    (tmp_path / "memory.max").write_text("max\n")
    assert streaming._container_memory(tmp_path) is None
    assert streaming._container_memory(tmp_path / "absent") is None
