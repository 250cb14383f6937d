#pragma once

#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "data/loader.h"
#include "nets/network.h"

namespace scatlight::train {

/// A batch with the maps that the network's body reads.
struct MappedBatch {
  data::Batch batch;
  at::Tensor maps;  ///< (count, C, h, w) on the network's device; pixels on the CPU: the batch's own memory.
};

/// Computes the front end of a network one batch ahead, on a thread of its own and on a GPU on a stream of
/// its own, in the shadow of the training of the batch before.
class MapStream {
 public:
  /// The loader and the network must outlive the stream; nobody else takes from the loader meanwhile.
  MapStream(data::Loader& loader, const nets::Network& network);

  /// Waits for at most the batch in work.
  ~MapStream();
  MapStream(const MapStream&) = delete;
  MapStream& operator=(const MapStream&) = delete;

  /// The next batch, whose maps are complete, or nothing after the last. Throws what the loader threw, in
  /// that batch's turn.
  std::optional<MappedBatch> next();

 private:
  void work();
  std::optional<MappedBatch> make();

  data::Loader& loader_;
  const nets::Network& network_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::optional<MappedBatch> ready_;
  std::exception_ptr failure_;
  bool at_end_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace scatlight::train
