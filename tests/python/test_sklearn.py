"""What scikit-learn's users rely on; test_kymatio.py compares the numbers."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scatlight import numpy as on_arrays
from scatlight.sklearn import Scattering2D, ScatteringError
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

SHAPE = (9, 14)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((4, 3, *SHAPE))


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    return load_digits(return_X_y=True)


def test_rows_are_those_of_numpy(images) -> None:
    expected = on_arrays.Scattering2D(2, SHAPE, 3)(images).reshape(4, -1)
    scattering = Scattering2D(2, SHAPE, 3)
    rows = images.reshape(4, -1)
    for same in (rows, images, rows.tolist(), np.asfortranarray(rows)):
        assert np.array_equal(scattering.transform(same), expected)
    one_channel = scattering.fit_transform(images[:, 1])
    assert np.array_equal(one_channel, expected.reshape(4, 3, -1)[:, 1])
    assert scattering.transform(images[:, 1].astype(np.float32)).dtype == np.float32
    assert scattering.transform((255 * images[:, 1]).astype(np.uint8)).dtype == np.float64


def test_options_are_those_of_numpy(images) -> None:
    assert inspect.signature(Scattering2D).parameters.keys() == Scattering2D(2, SHAPE).get_params().keys()
    for ours, theirs in zip(
        inspect.signature(Scattering2D).parameters.values(),
        inspect.signature(on_arrays.Scattering2D).parameters.values(),
        strict=True,
    ):
        assert (ours.name, ours.kind, ours.default) == (theirs.name, theirs.kind, theirs.default)
    options = {"L": 4, "max_order": 1, "stride": 2, "boundary": "zero", "sigma": 0.7, "threads": 1}
    assert np.array_equal(
        Scattering2D(2, SHAPE, **options).transform(images),
        on_arrays.Scattering2D(2, SHAPE, **options)(images).reshape(4, -1),
    )


def test_rows_of_padded_images() -> None:
    on_images = on_arrays.Scattering2D(2, SHAPE, 3, pre_pad=True)
    images = np.random.default_rng(0).random((2, *on_images.padded_shape))
    scattering = Scattering2D(2, SHAPE, 3, pre_pad=True)
    assert np.array_equal(scattering.fit_transform(images.reshape(2, -1)), on_images(images).reshape(2, -1))


def test_digits_in_a_pipeline(digits) -> None:
    images, labels = digits
    train, test = slice(0, 400), slice(400, None)
    pipeline = make_pipeline(Scattering2D(1, (8, 8), max_order=1), RidgeClassifier())
    pipeline.fit(images[train], labels[train])
    of_pixels = RidgeClassifier().fit(images[train], labels[train])
    assert pipeline.score(images[test], labels[test]) > of_pixels.score(images[test], labels[test])
    again = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(again.predict(images[:50]), pipeline.predict(images[:50]))


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_search(digits) -> None:
    images, labels = (part[:120] for part in digits)
    pipeline = make_pipeline(Scattering2D(1, (8, 8), 2, max_order=1), RidgeClassifier())
    search = GridSearchCV(pipeline, {"scattering2d__J": [1, 2, 9], "scattering2d__L": [2, 4]}, cv=2)
    with pytest.warns(FitFailedWarning, match="smallest dimension should be larger than 2\\^J"):  # of J = 9
        search.fit(images, labels)
    assert np.array_equal(np.isnan(search.cv_results_["mean_test_score"]), [False] * 4 + [True] * 2)
    best = search.best_estimator_
    assert {name: best.get_params()[name] for name in search.best_params_} == search.best_params_


def test_clone_and_new_parameters(images) -> None:
    scattering = Scattering2D(2, [9, 14], L=3, threads=1)  # a list stays the list that it is
    twin = clone(scattering)
    assert twin.get_params() == scattering.get_params()
    assert "Scattering2D(J=2, L=3, shape=[9, 14], threads=1)" in str(twin)
    twin.set_params(J=1, max_order=1)
    assert np.array_equal(
        twin.transform(images), on_arrays.Scattering2D(1, SHAPE, 3, 1)(images).reshape(4, -1)
    )
    assert scattering.J == 2
    with pytest.raises(ValueError, match="Invalid parameter 'scales'"):
        twin.set_params(scales=2)


def test_names_of_the_columns(images) -> None:
    scattering = Scattering2D(2, SHAPE, 3)
    with pytest.raises(NotFittedError):
        scattering.get_feature_names_out()
    names = scattering.fit(images).get_feature_names_out()
    assert list(names[:2]) == ["scattering2d0", "scattering2d1"]
    assert len(names) == scattering.transform(images).shape[1]
    assert scattering.fit().transform(images[:, 0]).shape[1] == len(names) / 3  # forgets the rows


@pytest.mark.parametrize(
    ("error", "text", "call"),
    [
        (ValueError, "9 x 14 takes 126", lambda s: s.fit(np.zeros((2, 125)))),
        (ValueError, "9 x 14 takes 126", lambda s: s.transform(np.zeros(SHAPE))),
        (RuntimeError, r"\(9,14\); it is \(14,9\)", lambda s: s.transform(np.zeros((2, 14, 9)))),
        (
            ValueError,
            "252 features, but .* 126",
            lambda s: s.fit(np.ones((2, 126))).transform(np.ones((2, 252))),
        ),
        (ValueError, "1D array", lambda s: s.transform(np.zeros(126))),
        (ValueError, "NaN", lambda s: s.transform(np.full((2, 126), np.nan))),
        (ValueError, "could not convert string", lambda s: s.transform([["a"] * 126])),
        (ValueError, "0 sample", lambda s: s.transform(np.zeros((0, 126)))),
        (ScatteringError, "scales is 0", lambda s: s.set_params(J=0).fit()),
        (ImportError, "backend torch can not be called", lambda s: s.set_params(backend="torch").fit()),
        (ValueError, "out_type is 'list'", lambda s: s.set_params(out_type="list").fit()),
    ],
)
def test_errors(error, text, call) -> None:
    with pytest.raises(error, match=text):
        call(Scattering2D(2, SHAPE))


def test_needs_no_torch() -> None:
    program = (
        "import sys, scatlight; scatlight.Scattering2D(1, (8, 8), frontend='sklearn').fit(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
