#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace scatlight::train {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// The best evaluation of a training, the first of equal ones.
struct BestEvaluation {
  double score = 0;        ///< See EvaluationLine.
  std::int64_t epoch = 0;  ///< Epochs that were over.

  friend bool operator==(const BestEvaluation&, const BestEvaluation&) = default;
};

/// How far a training has come, beside its tensors.
struct Position {
  std::int64_t epoch = 0;  ///< Epochs that are over, their evaluations included.
  std::int64_t batch =
      0;  ///< Batches of the running epoch that are done; all of them: only its evaluation is left.
  std::int64_t step = 0;        ///< Steps of the optimizer so far.
  std::int64_t images = 0;      ///< Images trained on so far.
  double seconds = 0;           ///< Spent on training so far, evaluations left out.
  std::uint64_t log_bytes = 0;  ///< Length of the log.
  bool ended = false;           ///< All is done, the last evaluation included, and the log says so.

  std::optional<BestEvaluation> best = {};  ///< Its model is RunFolder::best().
  std::int64_t stale = 0;                   ///< Evaluations in a row that were no better than the best.

  // The log line that is being gathered.
  double line_loss = 0;                          ///< Sum over its images.
  std::map<std::string, double> line_sums = {};  ///< Sums over its images of other numbers, by name.
  std::int64_t line_images = 0;                  ///< Its images.
  double line_seconds = 0;                       ///< Position::seconds when it began.

  friend bool operator==(const Position&, const Position&) = default;
};

/// Everything of a checkpoint but its tensors.
struct CheckpointHeader {
  Position position = {};
  std::string options = {};               ///< The flags of the run, JSON.
  std::vector<std::string> classes = {};  ///< Of the training data.
  std::int64_t samples = 0;               ///< Of the training data.
  std::string data = {};                  ///< data::fingerprint() of the training data.
  std::string evaluation = {};            ///< The same of the data for evaluation; empty without.
  int members = 1;                        ///< Of the team; each has a tensor with its generator's state.
};

/// A header as text, for the members of a team.
std::string to_text(const CheckpointHeader& header);
CheckpointHeader header_of(const std::string& text);

/// Writes the state of a training, wherever its tensors are, as one safetensors file; a kill leaves the old
/// file or the new one, whole. Throws Error, and writes nothing, when a number of a floating-point tensor is
/// not finite: what diverged must not replace the last good state.
void write_checkpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                      const NamedTensors& tensors);

/// Throws Error for a checkpoint where a model is wanted, and for a file that is no safetensors file.
void refuse_checkpoint(const std::filesystem::path& path);

/// Throws Error for a file that is no checkpoint.
CheckpointHeader read_checkpoint_header(const std::filesystem::path& path);

/// Fills the tensors, wherever they are, from the file. It must hold exactly these, with their types and
/// shapes, or an Error names the first difference, and be as it was written: a checksum of header and tensors
/// tells. All is compared before a tensor is changed.
void read_checkpoint_tensors(const std::filesystem::path& path, const NamedTensors& tensors);

}  // namespace scatlight::train
