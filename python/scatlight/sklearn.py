"""The scattering transform as a transformer of scikit-learn. Needs no torch."""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array

from scatlight import numpy as on_arrays
from scatlight._core import ScatteringError

__all__ = ["Scattering2D", "ScatteringError"]


_Parameters = ParamSpec("_Parameters")


def _with_parameters_of(
    described: Callable[Concatenate[Any, _Parameters], None],
) -> Callable[[Callable[[Any, dict[str, Any]], None]], Callable[Concatenate[Any, _Parameters], None]]:
    """Gives a constructor another's signature, which scikit-learn reads; it gets all of them by name."""
    signature = inspect.signature(described)

    def decorate(
        construct: Callable[[Any, dict[str, Any]], None],
    ) -> Callable[Concatenate[Any, _Parameters], None]:
        def constructor(self: Any, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            _, *names = bound.arguments
            construct(self, {name: bound.arguments[name] for name in names})

        functools.update_wrapper(constructor, construct)
        vars(constructor)["__signature__"] = signature
        return constructor

    return decorate


class Scattering2D(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Rows of images to rows of their maps: kymatio's transformer, for pipelines and searches.

    A row is an image, or several (channels) of it, one after the other. There is nothing to learn, so
    transform() needs no fit(). Parameters are checked by both, as in scikit-learn, not by the constructor.
    """

    @_with_parameters_of(on_arrays.Scattering2D.__init__)
    def __init__(self, parameters: dict[str, Any]) -> None:
        """The parameters are those of scatlight.numpy.Scattering2D, which describes them.

        With pre_pad a row holds padded images. With n_jobs of scikit-learn each process would take all cores:
        give them threads=1.
        """
        self.__dict__.update(parameters)

    def fit(self, X: npt.ArrayLike | None = None, y: Any = None) -> "Scattering2D":
        """Checks the parameters and, if there are rows, notes how long they are."""
        scattering = self._on_arrays()
        if X is None:
            self.__dict__.pop("n_features_in_", None)  # of a fit before
        else:
            self.n_features_in_ = math.prod(_to_images(X, scattering).shape[1:])
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """(n, C * H * W) to (n, C * K * H / stride * W / stride).

        (n, H, W) and (n, C, H, W) are accepted, too. float32 stays float32; all else becomes float64.
        """
        scattering = self._on_arrays()
        images = _to_images(X, scattering)
        length, fitted = math.prod(images.shape[1:]), getattr(self, "n_features_in_", None)
        if fitted not in (None, length):
            raise ValueError(
                f"X has {length} features, but Scattering2D is expecting {fitted} features as input"
            )
        maps: npt.NDArray[Any] = scattering(images)
        return maps.reshape(len(maps), -1)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """kymatio's other name of transform()."""
        return self.transform(X)

    def scattering(self, x: npt.ArrayLike) -> npt.NDArray[Any]:
        """Images to maps, not rows to rows: (..., H, W) to (..., K, H / stride, W / stride)."""
        maps: npt.NDArray[Any] = self._on_arrays()(x)
        return maps

    __call__ = scattering

    def _on_arrays(self) -> on_arrays.Scattering2D:
        """As the parameters are now, which set_params() may have changed. The plans used last are kept."""
        if self.out_type != "array":
            raise ValueError(f"out_type is {self.out_type!r}; rows are made of 'array'")
        return on_arrays.Scattering2D(**self.get_params(deep=False))

    @property
    def _n_features_out(self) -> int:  # for get_feature_names_out()
        scattering = self._on_arrays()
        planes: int = self.n_features_in_ // math.prod(_input_size(scattering))
        return planes * math.prod(scattering._plan().maps_shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def _input_size(scattering: on_arrays.Scattering2D) -> tuple[int, int]:
    return scattering.padded_shape if scattering.pre_pad else scattering.shape


def _to_images(X: npt.ArrayLike, scattering: on_arrays.Scattering2D) -> npt.NDArray[Any]:
    """(n, ..., H, W)."""
    found: npt.NDArray[Any] = check_array(X, dtype=(np.float64, np.float32), allow_nd=True)
    height, width = _input_size(scattering)
    if found.ndim > 2:
        return found
    if found.shape[1] % (height * width):
        raise ValueError(
            f"X has rows of {found.shape[1]}; an image of {height} x {width} takes {height * width},"
            " and a row holds one or several"
        )
    return found.reshape(len(found), -1, height, width)
