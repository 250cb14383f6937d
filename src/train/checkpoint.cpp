#include "train/checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sum.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <span>

#include "io/hash.h"
#include "io/path_error.h"
#include "io/safetensors.h"
#include "scatlight/error.h"
#include "train/json.h"

namespace scatlight::train {
namespace {

constexpr const char* header_key = "scatlight.checkpoint";
constexpr const char* checksum_key = "checksum";  // the last one of the header
constexpr int version = 3;
constexpr int most_members = 1 << 16;

io::DType element_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return io::DType::F32;
    case at::kDouble:
      return io::DType::F64;
    case at::kLong:
      return io::DType::I64;
    default:
      TORCH_CHECK(tensor.scalar_type() == at::kByte);
      return io::DType::U8;
  }
}

std::span<std::byte> bytes_of(const at::Tensor& contiguous) {
  return {static_cast<std::byte*>(contiguous.data_ptr()), contiguous.nbytes()};
}

bool is_finite(const at::Tensor& tensor) {
  if (!tensor.is_floating_point()) return true;
  // One NaN or infinity makes the sum of the magnitudes the same; doubles cannot overflow from floats.
  return std::isfinite(tensor.abs().sum(at::kDouble).item<double>());
}

Json to_json(const CheckpointHeader& header) {
  const auto& p = header.position;
  Json json = {{"version", version},
               {"epoch", p.epoch},
               {"batch", p.batch},
               {"step", p.step},
               {"images", p.images},
               {"seconds", p.seconds},
               {"log_bytes", p.log_bytes},
               {"ended", p.ended},
               {"stale", p.stale},
               {"line_loss", p.line_loss},
               {"line_sums", p.line_sums},
               {"line_images", p.line_images},
               {"line_seconds", p.line_seconds},
               {"options", header.options},
               {"classes", header.classes},
               {"samples", header.samples},
               {"data", header.data},
               {"evaluation", header.evaluation}};
  if (p.best) json["best"] = {{"score", p.best->score}, {"epoch", p.best->epoch}};
  if (header.members > 1) json["members"] = header.members;
  return json;
}

int members_in(const Json& json) {
  const auto members = json.value("members", std::int64_t{1});
  if (members < 1 || members > most_members) throw Error(fmt::format("{} members", members));
  return static_cast<int>(members);
}

/// A count that an attacker's file may say.
std::int64_t count_in(const Json& json, const char* key) {
  const auto count = json.at(key).get<std::int64_t>();
  if (count < 0) throw Error(fmt::format("{} is negative", key));
  return count;
}

double seconds_in(const Json& json, const char* key) {
  const auto seconds = json.at(key).get<double>();
  if (!(seconds >= 0)) throw Error(fmt::format("{} is negative", key));
  return seconds;
}

std::optional<BestEvaluation> best_in(const Json& json) {
  if (!json.contains("best")) return std::nullopt;
  const auto& best = json["best"];
  return BestEvaluation{.score = best.at("score").get<double>(), .epoch = count_in(best, "epoch")};
}

/// Checkpoints of earlier versions know neither an end nor a best evaluation.
CheckpointHeader from_json(const Json& json) {
  if (json.value("version", 1) != version)
    throw Error(fmt::format("it has version {}, this scatlight reads {}", json.value("version", 1), version));
  return {.position = {.epoch = count_in(json, "epoch"),
                       .batch = count_in(json, "batch"),
                       .step = count_in(json, "step"),
                       .images = count_in(json, "images"),
                       .seconds = seconds_in(json, "seconds"),
                       .log_bytes = static_cast<std::uint64_t>(count_in(json, "log_bytes")),
                       .ended = json.value("ended", false),
                       .best = best_in(json),
                       .stale = json.contains("stale") ? count_in(json, "stale") : 0,
                       .line_loss = json.at("line_loss").get<double>(),
                       .line_sums = json.at("line_sums").get<std::map<std::string, double>>(),
                       .line_images = count_in(json, "line_images"),
                       .line_seconds = seconds_in(json, "line_seconds")},
          .options = json.at("options").get<std::string>(),
          .classes = json.at("classes").get<std::vector<std::string>>(),
          .samples = count_in(json, "samples"),
          .data = json.at("data").get<std::string>(),
          .evaluation = json.value("evaluation", std::string()),
          .members = members_in(json)};
}

/// use(the header of the file); errors name the file.
template <class Use>
auto with_header(const io::SafetensorsReader& file, const Use& use) {
  const auto found = file.metadata().find(header_key);
  if (found == file.metadata().end())
    io::fail_at(file.path(), "it is not a checkpoint that scatlight train wrote");
  try {
    return use(Json::parse(found->second));
  } catch (const Error& error) {
    io::fail_at(file.path(), fmt::format("its training state is damaged: {}", error.what()));
  } catch (const Json::exception&) {
    io::fail_at(file.path(), "its training state is damaged");
  }
}

void check_tensor(const io::SafetensorsReader& file, const std::string& name, const at::Tensor& tensor) {
  const auto* info = file.find(name);
  if (info == nullptr)
    io::fail_at(file.path(), fmt::format("it has no tensor '{}': it is of another network", name));
  if (info->type != element_type(tensor) || at::IntArrayRef(info->shape) != tensor.sizes()) {
    io::fail_at(file.path(),
                fmt::format("its tensor '{}' has the type {} and the shape {}, this network's has {} and {}",
                            name, io::type_name(info->type), info->shape, io::type_name(element_type(tensor)),
                            tensor.sizes().vec()));
  }
}

}  // namespace

std::string to_text(const CheckpointHeader& header) { return to_json(header).dump(); }

CheckpointHeader header_of(const std::string& text) { return from_json(Json::parse(text)); }

void write_checkpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                      const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> contiguous;  // keeps the memory of the copies
  std::vector<io::TensorData> data;
  auto json = to_json(header);
  io::Hash checksum;
  checksum.add(json.dump());
  for (const auto& [name, tensor] : tensors) {
    if (!is_finite(tensor))
      io::fail_at(path, fmt::format("not written: '{}' is no longer finite, so training has diverged; "
                                    "try a lower learning rate or a warm-up",
                                    name));
    const auto& copy = contiguous.emplace_back(tensor.to(at::kCPU).contiguous());
    data.push_back(
        {.name = name, .type = element_type(copy), .shape = copy.sizes().vec(), .bytes = bytes_of(copy)});
    checksum.add(data.back().bytes);
  }
  json[checksum_key] = checksum.text();
  io::write_safetensors(path, data, {{header_key, json.dump()}});
}

void refuse_checkpoint(const std::filesystem::path& path) {
  if (!io::SafetensorsReader(path).metadata().contains(header_key)) return;
  io::fail_at(
      path,
      "it is a checkpoint, from which a training resumes: give the model.safetensors beside it, or the run "
      "folder");
}

CheckpointHeader read_checkpoint_header(const std::filesystem::path& path) {
  return with_header(io::SafetensorsReader(path), from_json);
}

void read_checkpoint_tensors(const std::filesystem::path& path, const NamedTensors& tensors) {
  const at::NoGradGuard no_grad;
  const io::SafetensorsReader file(path);
  for (const auto& [name, tensor] : tensors) check_tensor(file, name, tensor);
  if (file.tensors().size() != tensors.size()) {
    io::fail_at(path,
                fmt::format("it has {} tensors, this network's training has {}: it is of another network",
                            file.tensors().size(), tensors.size()));
  }
  const auto read = [&](const std::string& name, const at::Tensor& tensor) {
    auto contiguous = at::empty(tensor.sizes(), tensor.scalar_type());
    file.read(*file.find(name), bytes_of(contiguous));
    return contiguous;
  };
  with_header(file, [&](Json json) {
    const auto expected = json.at(checksum_key).get<std::string>();
    json.erase(checksum_key);
    io::Hash checksum;
    checksum.add(json.dump());
    for (const auto& [name, tensor] : tensors) checksum.add(bytes_of(read(name, tensor)));
    if (checksum.text() != expected) throw Error("its checksum does not fit");
  });
  for (const auto& [name, tensor] : tensors) tensor.copy_(read(name, tensor));
}

}  // namespace scatlight::train
