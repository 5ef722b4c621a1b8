import numpy as np
import pytest
import torch

from model.devices import PEAK_FLOPS, on_device, peak_flops, peak_flops_of


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H100 NVL", "H100 NVL"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA A100-PCIE-40GB", "A100"),
        ("NVIDIA A10G", "A10G"),
        ("NVIDIA A10", "A10"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA RTX A6000", "RTX A6000"),
    ],
)
def test_a_card_is_known_by_its_name(name: str, card: str) -> None:
    assert peak_flops(name) == PEAK_FLOPS[card]


@pytest.mark.parametrize("name", ["NVIDIA A1000 Laptop GPU", "Tesla T4", "NVIDIA H1000", ""])
def test_of_a_card_that_is_not_known_nothing_is_said(name: str) -> None:
    assert peak_flops(name) == 0


def test_a_cpu_has_no_peak() -> None:
    assert peak_flops_of(torch.device("cpu")) == 0


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_types_are_kept(dtype: type) -> None:
    """Ids above 2^15 among them, which bf16 would round (trap 9)."""
    array = np.array([[40001, 255]]).astype(dtype)
    tensor = on_device(array, "cpu")
    assert np.array_equal(tensor.numpy(), array)
    assert tensor.numpy().dtype == dtype
