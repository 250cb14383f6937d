#include "cuda/engine-inl.h"

namespace scatlight::cuda {

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return count;
}

template std::unique_ptr<Engine<float>> make_engine(const ScatteringOptions&, const Geometry&,
                                                    const FilterBank&, int);

}  // namespace scatlight::cuda
