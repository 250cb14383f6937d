#pragma once

// A queue that runs kernels on the host, block after block and body after body, so that everything but the
// GPU itself is tested where there is none.

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "cuda/schedule.h"

namespace scatlight::test {

/// In which order the bodies of a for_each run. They do not depend on each other if all orders give the same
/// bits.
enum class BodyOrder { Ascending, Descending };

class HostBlock {
 public:
  HostBlock(int x, int y, int z, int threads, void* shared, BodyOrder order)
      : x_(x), y_(y), z_(z), threads_(threads), shared_(shared), order_(order) {}

  int x() const { return x_; }
  int y() const { return y_; }
  int z() const { return z_; }
  void* shared() const { return shared_; }

  template <class Body>
  void for_each(int count, const Body& body) {
    if (order_ == BodyOrder::Ascending) {
      for (int i = 0; i < count; ++i) body(i);
    } else {
      for (int i = count; i-- > 0;) body(i);
    }
  }

  template <class Body>
  void for_each_once(int count, const Body& body) {
    if (count > threads_) throw std::logic_error("more bodies than threads");
    for_each(count, body);
  }

 private:
  int x_;
  int y_;
  int z_;
  int threads_;
  void* shared_;
  BodyOrder order_;
};

class HostQueue {
 public:
  explicit HostQueue(BodyOrder order = BodyOrder::Ascending) : order_(order) {}

  template <class Kernel>
  void launch(const Kernel& kernel, const cuda::Grid& grid, int threads) {
    constexpr std::int64_t most = 65535;
    if (threads < 1 || threads > 1024 || grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.y > most ||
        grid.z > most) {
      throw std::logic_error("a launch that no GPU accepts");
    }
    // On the heap and of the size asked for, so that a sanitizer sees what goes beyond it. Poisoned with NaN.
    std::vector<std::byte> shared(kernel.shared_bytes());
    for (std::int64_t z = 0; z < grid.z; ++z) {
      for (std::int64_t y = 0; y < grid.y; ++y) {
        for (std::int64_t x = 0; x < grid.x; ++x) {
          std::fill(shared.begin(), shared.end(), std::byte{0xff});
          HostBlock block(static_cast<int>(x), static_cast<int>(y), static_cast<int>(z), threads,
                          shared.data(), order_);
          kernel(block);
        }
      }
    }
    ++launches_;
  }

  int launches() const { return launches_; }

 private:
  BodyOrder order_;
  int launches_ = 0;
};

}  // namespace scatlight::test
