#include "io/npy.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <string>

#include "io/display.h"
#include "io/path_error.h"
#include "io/shape.h"

namespace scatlight::io {
namespace {

static_assert(std::endian::native == std::endian::little, ".npy data is copied as it lies in memory");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_npy_header = 65536;  // numpy itself refuses headers beyond 10000 bytes
constexpr std::size_t largest_rank = 32;           // numpy 1's limit

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads the header's text: a Python dictionary with the keys descr, fortran_order and shape in any order.
class HeaderParser {
 public:
  HeaderParser(const std::filesystem::path& path, std::string_view text) : path_(path), rest_(text) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      parse_entry();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty()) broken();
    if (!seen_[0] || !seen_[1] || !seen_[2]) {
      fail_at(path_, "its .npy header lacks one of 'descr', 'fortran_order' and 'shape'");
    }
    return std::move(header_);
  }

 private:
  void parse_entry() {
    const auto key = parse_string();
    expect(':');
    if (key == "descr") {
      mark_seen(0, key);
      skip_space();
      if (rest_.starts_with('[')) fail_at(path_, "its .npy elements are records; a plain array is accepted");
      header_.descr = parse_string();
    } else if (key == "fortran_order") {
      mark_seen(1, key);
      header_.fortran_order = parse_bool();
    } else if (key == "shape") {
      mark_seen(2, key);
      parse_shape();
    } else {
      fail_at(path_, fmt::format("its .npy header has an unknown key '{}'", display(key)));
    }
  }

  void mark_seen(std::size_t index, std::string_view key) {
    if (seen_[index]) fail_at(path_, fmt::format("its .npy header has the key '{}' twice", key));
    seen_[index] = true;
  }

  void parse_shape() {
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t length = 0;
      const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), length);
      if (code != std::errc{} || length < 0) fail_at(path_, "its .npy shape is not a tuple of sizes");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      if (header_.shape.size() == largest_rank) {
        fail_at(path_, fmt::format("its .npy shape has more than {} dimensions", largest_rank));
      }
      header_.shape.push_back(length);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string parse_string() {
    skip_space();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) broken();
    const auto end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) broken();
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool parse_bool() {
    skip_space();
    for (const auto& [word, value] : {std::pair(std::string_view("True"), true), {"False", false}}) {
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return value;
      }
    }
    broken();
  }

  bool accept(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) broken();
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }

  [[noreturn]] void broken() const { fail_at(path_, "its .npy header is broken"); }

  const std::filesystem::path& path_;
  std::string_view rest_;
  Header header_;
  std::array<bool, 3> seen_ = {};
};

struct Located {
  std::string text;
  std::uint64_t data_offset = 0;
};

Located read_header(const ReadOnlyFile& file) {
  std::array<unsigned char, 12> start = {};
  if (file.size() < 10) fail_at(file.path(), "it is not a .npy file: it is shorter than any");
  const std::size_t known = file.size() < start.size() ? 10 : start.size();
  file.read(0, std::as_writable_bytes(std::span(start).first(known)));
  if (std::string_view(reinterpret_cast<const char*>(start.data()), magic.size()) != magic) {
    fail_at(file.path(), "it is not a .npy file: the first bytes are not \\x93NUMPY");
  }
  const int version = start[6];
  if (version < 1 || version > 3) {
    fail_at(file.path(), fmt::format("it has .npy version {}; 1, 2 and 3 are accepted", version));
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length |= std::uint64_t{start[8 + i]} << (8 * i);
  const std::uint64_t begin = 8 + length_bytes;
  if (length > longest_npy_header) {
    fail_at(file.path(),
            fmt::format("its .npy header has {} bytes, at most {} are accepted", length, longest_npy_header));
  }
  if (begin + length > file.size()) fail_at(file.path(), "it ends within its .npy header");
  Located located{.text = std::string(length, '\0'), .data_offset = begin + length};
  file.read(begin, std::as_writable_bytes(std::span(located.text)));
  return located;
}

std::string describe(NpyType type) {
  switch (type) {
    case NpyType::Float32:
      return "<f4";
    case NpyType::Float64:
      return "<f8";
    default:
      return "|u1";
  }
}

std::optional<NpyType> parse_type(std::string_view descr) {
  for (const auto type : {NpyType::Float32, NpyType::Float64, NpyType::UInt8}) {
    if (descr == describe(type)) return type;
  }
  return std::nullopt;
}

std::string format_header(NpyType type, const std::vector<std::int64_t>& shape) {
  std::string dimensions;
  for (const auto length : shape) dimensions += fmt::format("{}, ", length);
  if (shape.size() > 1) dimensions.resize(dimensions.size() - 2);
  if (shape.size() == 1) dimensions.pop_back();  // "(5,)"
  auto text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", describe(type), dimensions);
  // The data starts at a multiple of 64, so that it can be mapped; the header ends with a line feed.
  const std::size_t start = magic.size() + 4;
  text.append(64 - (start + text.size() + 1) % 64, ' ');
  text += '\n';
  const auto length = text.size();
  std::string header(magic);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(length & 0xff);
  header += static_cast<char>(length >> 8);
  return header + text;
}

}  // namespace

std::size_t element_size(NpyType type) {
  return type == NpyType::Float32 ? 4 : type == NpyType::Float64 ? 8 : 1;
}

std::string_view type_name(NpyType type) {
  return type == NpyType::Float32 ? "float32" : type == NpyType::Float64 ? "float64" : "uint8";
}

NpyReader::NpyReader(const std::filesystem::path& path) : file_(path) {
  const auto [text, data_offset] = read_header(file_);
  auto header = HeaderParser(path, text).parse();
  const auto type = parse_type(header.descr);
  if (!type) {
    fail_at(path,
            fmt::format("its elements are '{}'; float32 '<f4', float64 '<f8' and uint8 '|u1' are accepted",
                        display(header.descr)));
  }
  if (header.fortran_order) fail_at(path, "it is in Fortran order; C order is accepted");
  const auto data_bytes = file_.size() - data_offset;
  const auto count = element_count(header.shape, element_size(*type), data_bytes);
  if (!count)
    fail_at(path, fmt::format("its shape needs more than the {} bytes of data that it has", data_bytes));
  const auto needed = static_cast<std::uint64_t>(*count) * element_size(*type);
  if (needed != data_bytes) {
    fail_at(path, fmt::format("its shape needs {} bytes of data, it has {}", needed, data_bytes));
  }
  data_offset_ = data_offset;
  type_ = *type;
  shape_ = std::move(header.shape);
  count_ = *count;
}

void NpyReader::read(std::int64_t first, std::size_t count, NpyType type, std::span<std::byte> bytes) const {
  if (type != type_) {
    fail_at(file_.path(), fmt::format("its elements are {}, not {}", type_name(type_), type_name(type)));
  }
  if (first < 0 || first > count_ || count > static_cast<std::uint64_t>(count_ - first)) {
    fail_at(file_.path(), fmt::format("elements {} to {} were asked for, it has {}", first,
                                      static_cast<std::uint64_t>(first) + count, count_));
  }
  file_.read(data_offset_ + static_cast<std::uint64_t>(first) * element_size(type), bytes);
}

void NpyReader::read(std::int64_t first, std::span<float> elements) const {
  read(first, elements.size(), NpyType::Float32, std::as_writable_bytes(elements));
}
void NpyReader::read(std::int64_t first, std::span<double> elements) const {
  read(first, elements.size(), NpyType::Float64, std::as_writable_bytes(elements));
}
void NpyReader::read(std::int64_t first, std::span<std::uint8_t> elements) const {
  read(first, elements.size(), NpyType::UInt8, std::as_writable_bytes(elements));
}

NpyWriter::NpyWriter(const std::filesystem::path& path, NpyType type, const std::vector<std::int64_t>& shape)
    : path_(path), type_(type), file_(path) {
  if (shape.size() > largest_rank) {
    fail_at(path, fmt::format("a .npy file of {} dimensions was asked for, at most {} are accepted",
                              shape.size(), largest_rank));
  }
  const auto count = element_count(shape, element_size(type));
  if (!count) fail_at(path, "its shape has a negative size or holds more than 2^63 bytes");
  count_left_ = *count;
  file_.write(format_header(type, shape));
}

void NpyWriter::write(NpyType type, std::size_t count, std::span<const std::byte> bytes) {
  if (type != type_) {
    fail_at(path_,
            fmt::format("{} elements were written to a file of {}", type_name(type), type_name(type_)));
  }
  if (count > static_cast<std::uint64_t>(count_left_)) {
    fail_at(path_,
            fmt::format("{} more elements were written, its shape has room for {}", count, count_left_));
  }
  count_left_ -= static_cast<std::int64_t>(count);
  file_.write(bytes);
}

void NpyWriter::write(std::span<const float> elements) {
  write(NpyType::Float32, elements.size(), std::as_bytes(elements));
}
void NpyWriter::write(std::span<const double> elements) {
  write(NpyType::Float64, elements.size(), std::as_bytes(elements));
}
void NpyWriter::write(std::span<const std::uint8_t> elements) {
  write(NpyType::UInt8, elements.size(), std::as_bytes(elements));
}

void NpyWriter::commit() {
  if (count_left_ != 0)
    fail_at(path_, fmt::format("{} elements of its shape were never written", count_left_));
  file_.commit();
}

}  // namespace scatlight::io
