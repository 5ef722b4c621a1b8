"""What a device can do, and how numbers get there."""

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

PEAK_FLOPS = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100": 989e12,
    "H100 NVL": 835e12,
    "H100 PCIe": 756e12,
    "A100": 312e12,
    "A40": 149.7e12,
    "A30": 165e12,
    "A10": 125e12,
    "A10G": 70e12,
    "L40S": 362e12,
    "L4": 121e12,
    "RTX A6000": 154.8e12,
    "RTX 4090": 165.2e12,
    "RTX 3090": 71e12,
}
"""FLOPs a second in bf16 with sums in float32, dense, by the makers' data sheets.

Where a sheet gives the figure for sparse matrices, half of it.
"""


def peak_flops(name: str) -> float:
    """FLOPs a second that a GPU of a name can do in bf16; 0 where that is not known."""
    words = f" {name.replace('-', ' ')} "
    known = [card for card in PEAK_FLOPS if f" {card} " in words]
    return PEAK_FLOPS[max(known, key=len)] if known else 0.0


def peak_flops_of(device: torch.device) -> float:
    """The same of a device; 0 of a CPU."""
    return peak_flops(torch.cuda.get_device_name(device)) if device.type == "cuda" else 0.0


def on_device(array: npt.NDArray[Any], device: torch.device | str) -> Tensor:
    """An array as a tensor on a device, its type kept; a GPU fetches it while the CPU goes on."""
    tensor, where = torch.from_numpy(array), torch.device(device)
    if where.type == "cuda":
        tensor = tensor.pin_memory()  # or the copy is waited for
    return tensor.to(where, non_blocking=True)
