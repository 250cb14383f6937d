"""The wheel, in an environment that has nothing else: built, installed beside numpy, tested."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_wheel(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if shutil.which("ccache"):
        # By the name that the build's compiler has, so that what the build compiled is found again.
        environment |= {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CC": "cc", "CXX": "c++"}
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    build += ["--config-settings=cmake.define.SCATLIGHT_CUDA=OFF"]  # minutes that other tests have spent
    subprocess.run(build, check=True, env=environment)
    (wheel,) = tmp_path.glob("scatlight-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"scatlight/numpy.py", "scatlight/py.typed", "scatlight/_core.pyi"} < set(names)
    assert {"scatlight/report/templates/page.html.j2", "scatlight/study/__main__.py"} < set(names)
    assert any(name.startswith("scatlight/_program_without_torch.") for name in names)
    assert all(name.startswith(("scatlight/", "scatlight-")) for name in names)

    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    install = [python, "-m", "pip", "--disable-pip-version-check", "-q", "install", wheel, "pytest"]
    subprocess.run(install, check=True, env=environment)
    subprocess.run(
        [python, ROOT / "tests" / "consume" / "installed.py"], check=True, env=environment, cwd=tmp_path
    )
    for file in ("conftest.py", "test_decode.py", "test_numpy.py"):
        shutil.copy(ROOT / "tests" / "python" / file, tmp_path)
    tests = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_decode.py", "test_numpy.py"]
    subprocess.run(tests, check=True, env=environment, cwd=tmp_path)
