// In place of all that calls CUDA, in a build without it.

#include "cuda/engine.h"
#include "cuda/round_trip.h"

namespace scatlight::cuda {

int device_count() { return 0; }

// What follows is never called: there is no device.

void round_trip(int, std::span<const std::byte>, std::span<std::byte>, std::size_t,
                const std::function<void(const void*, void*, void*, CudaStream)>&) {}

template <class T>
std::unique_ptr<Engine<T>> make_engine(const ScatteringOptions&, const Geometry&, const FilterBank&, int) {
  return nullptr;
}

template std::unique_ptr<Engine<float>> make_engine(const ScatteringOptions&, const Geometry&,
                                                    const FilterBank&, int);
template std::unique_ptr<Engine<double>> make_engine(const ScatteringOptions&, const Geometry&,
                                                     const FilterBank&, int);

}  // namespace scatlight::cuda
