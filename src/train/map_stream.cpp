#include "train/map_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace scatlight::train {

c10::Stream current_stream(const at::Device& gpu) {
  return c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu);
}

c10::Stream new_stream(const at::Device& gpu) {
  return c10::impl::VirtualGuardImpl(gpu.type()).getStreamFromGlobalPool(gpu);
}

}  // namespace scatlight::train
