#include "cuda/engine-inl.h"

namespace scatlight::cuda {

template std::unique_ptr<Engine<double>> make_engine(const ScatteringOptions&, const Geometry&,
                                                     const FilterBank&, int);

}  // namespace scatlight::cuda
