"""The steps of a detector against torchvision's, in one process."""

import os

import pytest
import torch
import torchvision
from torchvision.models.detection._utils import BoxCoder

torch.ops.load_library(os.environ["SCATLIGHT_BOX_OPERATORS"])
BOXES = torch.ops.scatlight_boxes
roi_align = torch.ops.scatlight.roi_align


def draw_boxes(count: int, side: float, seed: int = 0, whole: bool = False) -> torch.Tensor:
    """Boxes of all sizes, by falling score."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * side
    size = 1 + torch.rand(count, 2, generator=generator).square() * side / 2
    boxes = torch.cat([corner, corner + size], 1)
    return boxes.round() if whole else boxes


def test_iou() -> None:
    a, b = draw_boxes(60, 100), draw_boxes(70, 100, seed=1)
    torch.testing.assert_close(BOXES.iou(a, b), torchvision.ops.box_iou(a, b), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("deviations", [(1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 0.2)])
def test_encode_and_decode(deviations: tuple[float, ...]) -> None:
    references, boxes = draw_boxes(80, 300), draw_boxes(80, 300, seed=1)
    coder = BoxCoder(tuple(1 / deviation for deviation in deviations))
    expected = coder.encode_single(boxes, references)
    torch.testing.assert_close(BOXES.encode(references, boxes, deviations), expected, rtol=1e-5, atol=1e-5)
    deltas = 3 * torch.randn(80, 4, generator=torch.Generator().manual_seed(2))  # some sides reach the bound
    expected = coder.decode_single(deltas, references)
    torch.testing.assert_close(
        BOXES.decode(references, deltas, deviations),
        expected,
        rtol=1e-5,
        atol=1e-5 * float(expected.abs().max()),
    )


@pytest.mark.parametrize("limit", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("whole", [False, True])
def test_nms(limit: float, whole: bool) -> None:
    boxes = draw_boxes(1500, 150, whole=whole)
    limit = float(torch.tensor(limit))  # as a float32
    expected = torchvision.ops.nms(boxes, torch.arange(1500, 0, -1.0), limit)
    assert 50 < len(expected) < 1490
    assert torch.equal(BOXES.nms(boxes, limit, 1500), expected)
    assert torch.equal(BOXES.nms(boxes, limit, 33), expected[:33])


def draw_rois(images: int, count: int, side: float, dtype: torch.dtype) -> torch.Tensor:
    """Some reach over the edge, some are smaller than a cell."""
    boxes = draw_boxes(count, 1.2 * side) - 0.15 * side
    return torch.cat([torch.arange(count)[:, None] % images, boxes], 1).to(dtype)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 3e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize(
    ("scale", "bins", "samples", "channels"), [(1 / 16, 7, 2, 70), (1 / 8, 3, 1, 5), (1, 2, 4, 32)]
)
def test_roi_align(
    dtype: torch.dtype, bound: float, scale: float, bins: int, samples: int, channels: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, channels, 13, 18, generator=generator, dtype=dtype).requires_grad_()
    rois = draw_rois(3, 40, 15 / scale, dtype)
    ours = roi_align(features, rois, scale, bins, samples)
    theirs = torchvision.ops.roi_align(features, rois, bins, scale, samples, aligned=False)
    weights = torch.randn(theirs.shape, generator=generator, dtype=dtype)
    pairs = [(ours, theirs)]
    pairs += zip(*(torch.autograd.grad(result, features, weights) for result in (ours, theirs)), strict=True)
    for our_value, their_value in pairs:
        error = float((our_value - their_value).detach().abs().max() / their_value.detach().abs().max())
        print(f"error {error:.2e}, bound {bound:.0e}")
        assert error <= bound


def test_roi_align_is_a_proper_operator() -> None:
    features = torch.rand(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    rois = draw_rois(2, 4, 80, torch.float64)
    torch.library.opcheck(
        torch.ops.scatlight.roi_align.default,
        (features, rois, 1 / 16, 3, 2),
        test_utils=["test_schema", "test_faketensor"],
    )
    assert torch.autograd.gradcheck(lambda x: roi_align(x, rois, 1 / 16, 3, 2), features)
