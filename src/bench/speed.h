#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bench/subject.h"
#include "bench/timing.h"

namespace scatlight::bench {

/// What a batch takes. Of a network on pixels both are one measurement, as its maps are the images.
struct BatchTimes {
  Times from_maps;    ///< The maps are there.
  Times from_images;  ///< They are made before, one after the other.
};

struct InferenceTimes {
  std::optional<Times> transform;  ///< The maps alone; none of a network on pixels.
  BatchTimes network;
};

/// In evaluation mode, without gradients.
struct InferenceSpeed {
  InferenceTimes as_trained;
  InferenceTimes folded;  ///< See nets/fold.h: what `scatlight predict` runs.
};

/// How, and on what, networks are timed.
struct SpeedOptions {
  std::int64_t batch = 64;
  torch_ops::Placement placement = {};
  TimingOptions timing = {};
};

/// All networks in turn, their images on the device. `on_round` is called as time_in_turn() does. Throws
/// Error when the batch does not fit into a GPU's memory.
std::vector<InferenceSpeed> time_inference(std::span<const Subject> subjects, const SpeedOptions& options,
                                           const std::function<void()>& on_round);

/// Whole steps of training: forward, loss, gradients, parameters.
std::vector<BatchTimes> time_training(std::span<const Subject> subjects, const SpeedOptions& options,
                                      const std::function<void()>& on_round);

/// How often they call `on_round`.
std::int64_t inference_rounds(std::span<const Subject> subjects, const SpeedOptions& options);
std::int64_t training_rounds(std::span<const Subject> subjects, const SpeedOptions& options);

}  // namespace scatlight::bench
