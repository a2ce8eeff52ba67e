import threading
import time

from real3d_core.timing import recording, stage


def test_times_and_calls_are_summed():
    with recording() as recorder:
        for _ in range(3):
            with stage("outer"):
                time.sleep(0.005)
                with stage("inner"):
                    time.sleep(0.005)
    times = recorder.times()
    assert times["outer"].calls == times["inner"].calls == 3
    assert times["outer"].seconds >= 0.03 and times["inner"].seconds >= 0.015
    assert times["outer"].seconds > times["inner"].seconds
    assert recorder.seconds("never ran") == 0


def test_a_failing_stage_is_counted_and_nothing_is_recorded_outside():
    with stage("before"):
        pass
    with recording() as recorder:
        try:
            with stage("fails"):
                raise ValueError
        except ValueError:
            pass
    with stage("after"):
        pass
    assert list(recorder.times()) == ["fails"]


def test_threads_add_to_one_recorder_without_loss():
    with recording() as recorder:

        def work():
            for _ in range(2000):
                recorder.add("shared", 0.5)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert recorder.times()["shared"].calls == 8000
    assert recorder.seconds("shared") == 4000


def test_recordings_in_other_threads_do_not_mix():
    seen = {}

    def other():
        with stage("other"):
            pass
        with recording() as inner, stage("mine"):
            pass
        seen.update(inner.times())

    with recording() as recorder:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert list(seen) == ["mine"]
    assert recorder.times() == {}


def test_an_idle_stage_costs_next_to_nothing():
    start = time.perf_counter()
    for _ in range(20000):
        with stage("idle"):
            pass
    assert (time.perf_counter() - start) / 20000 < 20e-6
