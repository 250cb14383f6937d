"""What an installed package does, with what is there: numpy alone, or torch too."""

import importlib.util
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

started = time.perf_counter()
from scatlight.numpy import Scattering2D  # noqa: E402  # in place of kymatio.numpy

seconds = time.perf_counter() - started

import numpy as np  # noqa: E402

PROGRAM = Path(sys.executable).with_name("scatlight")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)


# kymatio's example
scattering = Scattering2D(J=2, shape=(32, 32))
image = np.random.default_rng(0).random((32, 32))
maps = scattering(image)
assert maps.shape == (81, 8, 8)
assert "torch" not in sys.modules

assert run("--version").stdout == f"scatlight {metadata.version('scatlight')}\n"
refused = run("train", "photos")
assert refused.returncode == 2
assert "train needs torch" in refused.stderr
assert refused.stderr.count("\n") == 1
with tempfile.TemporaryDirectory() as folder:
    drawn, written = f"{folder}/drawn", f"{folder}/maps.npy"
    assert run("draw", drawn, "--classes", "2", "--train", "1", "--val", "1", "--size", "64").returncode == 0
    assert run("transform", drawn, "--size", "64", "--out", written).returncode == 0
    assert np.isfinite(np.load(written)).all()

torch_version = "none"
if importlib.util.find_spec("torch"):
    import torch
    from scatlight.torch import Scattering2D as ForTorch

    torch_version = torch.__version__
    transform = ForTorch(J=2, shape=(32, 32))
    tensor = torch.from_numpy(image).requires_grad_()
    features = transform(tensor)
    assert np.array_equal(features.detach().numpy(), maps)
    (features**2).sum().backward()
    assert torch.autograd.gradcheck(lambda x: transform(x)[:2], (tensor,), fast_mode=True)
print(
    f"Python {sys.version.split()[0]}, numpy {np.__version__}, torch {torch_version}: {scattering.engine}, "
    f"imported in {seconds:.2f} s"
)
