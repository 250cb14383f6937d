from collections.abc import Callable

import pytest
from scatlight import _core, _options


@pytest.fixture
def use_engine(monkeypatch) -> Callable[[str], None]:
    """Plans made after the call run on that engine."""

    def use(engine: str) -> None:
        monkeypatch.setenv("SCATLIGHT_ENGINE", engine)
        _options.make_plan.cache_clear()

    yield use
    _options.make_plan.cache_clear()


def pytest_generate_tests(metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", _core.available_engines())
