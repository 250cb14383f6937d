#include "io/safetensors_header.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>

#include "io/display.h"
#include "scatlight/error.h"

namespace scatlight::io {
namespace {

constexpr std::size_t most_tensors = 100'000;
constexpr std::size_t most_dimensions = 64;
constexpr std::string_view metadata_key = "__metadata__";

std::optional<DType> dtype_of(std::string_view name) {
  for (const auto type :
       {DType::F64, DType::F32, DType::F16, DType::BF16, DType::I64, DType::I32, DType::U8, DType::Bool}) {
    if (name == type_name(type)) return type;
  }
  return std::nullopt;
}

/// Takes the parser's events. The only form accepted is
///   { "__metadata__": {text: text}, NAME: {"dtype": text, "shape": [n...], "data_offsets": [a, b]}, ... }
/// so a state for each kind of place is enough, and depth is bounded.
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderEvents(const std::filesystem::path& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool key(std::string& name) override {
    key_ = name;
    if (place_ == Place::Top && !names_.insert(name).second) fail("has the name '{}' twice", display(name));
    if (place_ == Place::Metadata && header_.metadata.contains(name)) {
      fail("has the metadata key '{}' twice", display(name));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::Outside) {
      place_ = Place::Top;
    } else if (place_ == Place::Top && key_ == metadata_key) {
      place_ = Place::Metadata;
    } else if (place_ == Place::Top) {
      begin_tensor();
    } else {
      misplaced("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::Tensor) {
      if (!has_type_ || !has_shape_ || offsets_.size() != 2) {
        fail("lacks one of dtype, shape and data_offsets [begin, end] for '{}'", display(tensor_.name));
      }
      if (offsets_[0] > offsets_[1])
        fail("has data_offsets that end before they begin for '{}'", tensor_name());
      tensor_.offset = offsets_[0];
      tensor_.bytes = offsets_[1] - offsets_[0];
      header_.tensors.push_back(std::move(tensor_));
    }
    place_ = place_ == Place::Top ? Place::End : Place::Top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::Tensor && key_ == "shape" && !has_shape_) {
      has_shape_ = true;
      place_ = Place::Shape;
    } else if (place_ == Place::Tensor && key_ == "data_offsets" && !has_offsets_) {
      has_offsets_ = true;
      place_ = Place::Offsets;
    } else {
      misplaced("an array");
    }
    return true;
  }

  bool end_array() override {
    place_ = Place::Tensor;
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::Metadata) {
      header_.metadata.emplace(key_, value);
    } else if (place_ == Place::Tensor && key_ == "dtype" && !has_type_) {
      const auto type = dtype_of(value);
      if (!type) {
        fail("gives '{}' the type '{}'; F64, F32, F16, BF16, I64, I32, U8 and BOOL are accepted",
             tensor_name(), display(value));
      }
      tensor_.type = *type;
      has_type_ = true;
    } else {
      misplaced("a text");
    }
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      misplaced("a huge number");
    if (place_ == Place::Shape) {
      if (tensor_.shape.size() == most_dimensions) {
        fail("gives '{}' more than {} dimensions", tensor_name(), most_dimensions);
      }
      tensor_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::Offsets && offsets_.size() < 2) {
      offsets_.push_back(value);
    } else {
      misplaced("a number");
    }
    return true;
  }

  bool number_integer(std::int64_t) override { return misplaced("a negative number"); }
  bool number_float(double, const std::string&) override { return misplaced("a fraction"); }
  bool null() override { return misplaced("null"); }
  bool boolean(bool) override { return misplaced("a boolean"); }
  bool binary(nlohmann::json::binary_t&) override { return misplaced("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail("is no valid JSON at byte {}", position);
  }

 private:
  enum class Place { Outside, Top, Metadata, Tensor, Shape, Offsets, End };

  void begin_tensor() {
    if (header_.tensors.size() == most_tensors) fail("names more than {} tensors", most_tensors);
    place_ = Place::Tensor;
    tensor_ = TensorInfo{.name = key_};
    offsets_.clear();
    has_type_ = has_shape_ = has_offsets_ = false;
  }

  std::string tensor_name() const { return display(tensor_.name); }

  bool misplaced(std::string_view what) const {
    fail("has {} where none belongs, at the key '{}'", what, display(key_));
  }

  template <class... Values>
  [[noreturn]] void fail(fmt::format_string<Values...> format, Values&&... values) const {
    throw Error(fmt::format("{}: its safetensors header {}", display_path(path_),
                            fmt::format(format, std::forward<Values>(values)...)));
  }

  const std::filesystem::path& path_;
  SafetensorsHeader header_;
  std::set<std::string> names_;
  Place place_ = Place::Outside;
  std::string key_;
  TensorInfo tensor_;
  std::vector<std::uint64_t> offsets_;
  bool has_type_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(const std::filesystem::path& path, std::string_view text) {
  HeaderEvents events(path);
  nlohmann::json::sax_parse(text, &events);
  return events.take();
}

std::string format_safetensors_header(const std::vector<TensorInfo>& tensors, const Metadata& metadata) {
  std::string text = "{";
  const auto append = [&text](std::string_view name, std::string_view value) {
    if (text.size() > 1) text += ',';
    text += fmt::format("{}:{}", nlohmann::json(name).dump(), value);
  };
  try {
    if (!metadata.empty()) append(metadata_key, nlohmann::json(metadata).dump());
    for (const auto& tensor : tensors) {
      append(tensor.name,
             fmt::format(R"({{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", type_name(tensor.type),
                         fmt::join(tensor.shape, ","), tensor.offset, tensor.offset + tensor.bytes));
    }
  } catch (const nlohmann::json::exception&) {
    throw std::invalid_argument("a tensor name or a metadata text is not UTF-8");
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace scatlight::io
