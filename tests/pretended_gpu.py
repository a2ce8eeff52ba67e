"""A device that does not exist: tensors that say they lie on it, and are reckoned on the CPU.

What real GPUs refuse is refused: an operation on tensors of two devices (numbers apart), `numpy()` of one
that has not been brought to the CPU, and float64, which Apple's do not have. So a stage that mixes devices is
found on a machine without any.

    with PretendedGpu():
        x = torch.ones(3).to(GPU)
        x + torch.ones(3)   # RuntimeError, as on a GPU

The mode holds for the thread that enters it. The device is called "meta", because torch knows nothing that
it would have to set up for that one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU = torch.device("meta")
CPU = torch.device("cpu")
INDEXING = ("index", "index_put", "_index_put_impl", "_unsafe_index")  # take indices from the CPU too
COPYING = ("copy", "_to_copy", "_local_scalar_dense")  # from one device to another, or to Python


class OnGpu(torch.Tensor):
    """A tensor that says it lies on the GPU; `inner` holds the values."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> OnGpu:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=GPU,
        )
        made.inner = inner
        return made

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a tensor on the GPU cannot become a numpy array; bring it to the CPU first")

    def __array__(self, *_: Any) -> Any:
        return self.numpy()

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(_with_tensors(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_with_tensors(index), value)

    def tolist(self) -> Any:
        return self.inner.tolist()

    def item(self) -> Any:
        return self.inner.item()

    def __repr__(self, *_: Any, **__: Any) -> str:
        return f"OnGpu({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


def _with_tensors(index: Any) -> Any:
    """An index whose sequences are tensors: torch itself would make them on the device, past every mode."""
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(torch.tensor(part) if isinstance(part, (list, tuple)) else part for part in parts)


for _name in ("__float__", "__int__", "__bool__", "__index__"):
    setattr(OnGpu, _name, lambda self, name=_name: getattr(self.inner, name)())


class _FromNumbers(TorchFunctionMode):
    """torch.tensor(numbers, device=...) brings them to the device itself, where no dispatch mode sees it."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if function in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            device = kwargs.pop("device")
            return function(*args, **kwargs).to(device)
        return function(*args, **kwargs)


class PretendedGpu(TorchDispatchMode):
    """While it is on, tensors can be made on and brought to the device `GPU`."""

    def __enter__(self) -> PretendedGpu:
        self._numbers = _FromNumbers()
        self._numbers.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._numbers.__exit__(*error)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(function, args, kwargs or {})


def _computed(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = function._schema.name.partition("::")[2].rstrip("_")
    tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
    on_gpu = [isinstance(one, OnGpu) for one in tensors]
    _check_devices(name, tensors, on_gpu)
    asked = kwargs.get("device")
    gives_gpu = any(on_gpu) if asked is None else torch.device(asked) == GPU
    gives_gpu = on_gpu[0] if name == "copy" else gives_gpu
    kwargs = kwargs if asked is None else kwargs | {"device": CPU}
    plain_args, plain_kwargs = tree_map(_plain, (args, kwargs))
    result = function(*plain_args, **plain_kwargs)
    if function._schema.is_mutable:
        for given in tensors:  # an operation in place gives back the tensor that it changed
            if _plain(given) is result:
                return given
    return tree_map(lambda one: _wrapped(one) if gives_gpu and isinstance(one, torch.Tensor) else one, result)


def _check_devices(name: str, tensors: list[torch.Tensor], on_gpu: list[bool]) -> None:
    """Raises RuntimeError where a GPU would."""
    arrays = [gpu for one, gpu in zip(tensors, on_gpu, strict=True) if one.ndim > 0]
    if name in COPYING or not any(on_gpu) or all(arrays):
        return
    if name in INDEXING and on_gpu[0]:
        return
    raise RuntimeError(f"{name}: all tensors have to be on one device, and some are on the CPU")


def _wrapped(value: torch.Tensor) -> OnGpu:
    if value.dtype == torch.float64:
        raise TypeError("not every GPU has float64; use float32")
    return OnGpu(value)


def _plain(value: Any) -> Any:
    return value.inner if isinstance(value, OnGpu) else value
