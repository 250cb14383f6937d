// In place of engine.cu in a build without CUDA.

#include "cuda/engine.h"

namespace scatlight::cuda {

int device_count() { return 0; }

template <class T>
std::unique_ptr<Engine<T>> make_engine(const ScatteringOptions&, const Geometry&, const FilterBank&, int) {
  throw Error("this build of scatlight has no CUDA engine; build it where nvcc is, with -DSCATLIGHT_CUDA=ON");
}

template std::unique_ptr<Engine<float>> make_engine(const ScatteringOptions&, const Geometry&,
                                                    const FilterBank&, int);
template std::unique_ptr<Engine<double>> make_engine(const ScatteringOptions&, const Geometry&,
                                                     const FilterBank&, int);

}  // namespace scatlight::cuda
