#include "train/threads.h"

#include <ATen/Parallel.h>

#include "io/machine.h"

namespace scatlight::train {

int use_threads(int threads) {
  const int count = threads == 0 ? io::processor_threads() : threads;
  at::set_num_threads(count);
  return count;
}

}  // namespace scatlight::train
