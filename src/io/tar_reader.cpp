#include "io/tar_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "io/display.h"
#include "io/tar_block.h"
#include "scatlight/error.h"

namespace scatlight::io {
namespace {

constexpr std::uint64_t longest_extra = 65536;
/// Archives are filled up with zeros to whole records of a tape.
constexpr std::uint64_t longest_end = std::uint64_t{1} << 20;

using Block = std::array<char, tar_block>;

unsigned char byte_at(const Block& header, std::size_t at) { return static_cast<unsigned char>(header[at]); }

/// A field that ends at a zero, or fills its room.
std::string text_of(const Block& header, std::size_t from, std::size_t length) {
  const auto field = std::string_view(header.data() + from, length);
  return std::string(field.substr(0, field.find('\0')));
}

/// GNU's form of numbers that are too large for octal digits: the highest bit is set, and big-endian bytes
/// follow. Nothing when it is negative or beyond 63 bits.
std::optional<std::uint64_t> binary_number(const Block& header, std::size_t from, std::size_t length) {
  if (byte_at(header, from) != 0x80) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (value >> 55 != 0) return std::nullopt;
    value = value << 8 | byte_at(header, from + i);
  }
  return value;
}

/// A field of octal digits between optional spaces, which ends at a zero or a space; an empty one is 0.
/// Nothing when it is something else.
std::optional<std::uint64_t> number_of(const Block& header, std::size_t from, std::size_t length) {
  if ((byte_at(header, from) & 0x80) != 0) return binary_number(header, from, length);
  auto text = std::string_view(header.data() + from, length);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find_first_of(std::string_view("\0 ", 2)));
  std::uint64_t value = 0;  // 12 octal digits at most
  for (const char digit : text) {
    if (digit < '0' || digit > '7') return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

/// The sum of all bytes, with spaces in the place of the sum itself. Some old programs added signed bytes.
bool has_right_sum(const Block& header) {
  constexpr std::size_t place = 148;
  constexpr std::size_t length = 8;
  std::int64_t sum = 0;
  std::int64_t signed_sum = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    const bool is_sum = i >= place && i < place + length;
    sum += is_sum ? ' ' : byte_at(header, i);
    signed_sum += is_sum ? ' ' : static_cast<signed char>(header[i]);
  }
  const auto said = number_of(header, place, length);
  return said && (*said == static_cast<std::uint64_t>(sum) || static_cast<std::int64_t>(*said) == signed_sum);
}

bool is_empty(std::span<const char> bytes) {
  return std::ranges::all_of(bytes, [](char c) { return c == 0; });
}

/// By the first bytes of gzip, bzip2, xz and Zstandard.
bool is_compressed(const Block& header) {
  const auto start = std::string_view(header.data(), header.size());
  constexpr std::array<std::string_view, 4> marks = {"\x1f\x8b", "BZh", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd"};
  return std::ranges::any_of(marks, [&](std::string_view mark) { return start.starts_with(mark); });
}

/// The name in the header itself. Only POSIX's form has a second part of it; GNU's has times there.
std::string name_of(const Block& header) {
  const bool has_prefix = std::string_view(header.data() + 257, 6) == std::string_view("ustar\0", 6);
  const auto prefix = has_prefix ? text_of(header, 345, 155) : std::string();
  const auto name = text_of(header, 0, 100);
  return prefix.empty() ? name : prefix + "/" + name;
}

/// What extra headers say of the member that follows them.
struct Extra {
  std::optional<std::string> name = {};
  std::optional<std::uint64_t> size = {};
  bool is_sparse = false;
};

std::string_view without_dots(std::string_view name) {
  while (name.starts_with("./")) {
    name.remove_prefix(2);
    name.remove_prefix(std::min(name.find_first_not_of('/'), name.size()));
  }
  return name;
}

bool leads_out(std::string_view name) {
  return name.starts_with('/') || name == ".." || name.starts_with("../") || name.ends_with("/..") ||
         name.find("/../") != name.npos;
}

class Lister {
 public:
  explicit Lister(const ReadOnlyFile& file) : file_(file) {}

  std::vector<TarMember> list() {
    if (file_.size() == 0) fail("it is empty");
    while (read_header()) {
      switch (header_[156]) {
        case 'x':
        case 'X':  // Solaris
          take_pax(read_extra(), extra_);
          break;
        case 'g':
          check_global(read_extra());
          break;
        case 'L':
          extra_.name = read_extra();
          extra_.name->resize(std::min(extra_.name->find('\0'), extra_.name->size()));
          break;
        case 'K':  // a long name that a link leads to
          read_extra();
          break;
        default:
          take_member();
          extra_ = {};
      }
    }
    return std::move(members_);
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(fmt::format("cannot read {}: {}", display_path(file_.path()), reason));
  }
  [[noreturn]] void fail_here(std::string_view reason) const {
    fail(fmt::format("the header at byte {} {}", at_, reason));
  }

  std::string read_text(std::uint64_t offset, std::uint64_t length) const {
    std::string text(length, '\0');
    file_.read(offset, std::as_writable_bytes(std::span(text)));
    return text;
  }

  /// False at the archive's end.
  bool read_header() {
    at_ = next_;
    if (at_ + tar_block > file_.size()) {
      fail(fmt::format("it was cut off: the empty block that ends an archive is not at byte {}", at_));
    }
    file_.read(at_, std::as_writable_bytes(std::span(header_)));
    next_ = at_ + tar_block;
    if (is_empty(header_)) {
      check_end();
      return false;
    }
    if (!has_right_sum(header_)) {
      if (at_ == 0 && is_compressed(header_)) fail("it is compressed; plain tar archives are read");
      if (at_ == 0) fail("it is no tar archive, or damaged: its first header has a wrong sum");
      fail_here("has a wrong sum: the archive is damaged");
    }
    return true;
  }

  void check_end() const {
    const auto rest = file_.size() - next_;
    if (rest > longest_end || !is_empty(read_text(next_, rest))) {
      fail(fmt::format("more follows the end of the archive at byte {}: were archives joined?", at_));
    }
  }

  std::uint64_t size_in_header() const {
    const auto size = number_of(header_, 124, 12);
    if (!size) fail_here("has a size that is no number");
    return *size;
  }

  /// Steps over the content of a member, and returns where it begins.
  std::uint64_t skip(std::uint64_t size, std::string_view name) {
    const auto offset = next_;
    if (size > file_.size() - offset) {
      throw Error(fmt::format("cannot read {}:{}: its {} bytes from byte {} on go beyond the archive's end",
                              display_path(file_.path()), display(name), size, offset));
    }
    next_ = offset + (size + tar_block - 1) / tar_block * tar_block;
    return offset;
  }

  std::string read_extra() {
    const auto size = size_in_header();
    if (size > longest_extra)
      fail_here(fmt::format("is an extra one of {} bytes; {} are accepted", size, longest_extra));
    return read_text(skip(size, "(an extra header)"), size);
  }

  /// POSIX's records: "LENGTH KEY=VALUE\n", where LENGTH counts all of the record.
  void take_pax(std::string_view text, Extra& extra) const {
    while (!text.empty()) {
      std::size_t length = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
      const auto from = static_cast<std::size_t>(end - text.data()) + 1;  // behind the space
      if (error != std::errc() || length > text.size() || length <= from || *end != ' ' ||
          text[length - 1] != '\n') {
        fail_here("has a damaged record");
      }
      const auto record = text.substr(from, length - 1 - from);
      const auto equals = record.find('=');
      if (equals == record.npos || equals == 0) fail_here("has a damaged record");
      take_record(record.substr(0, equals), record.substr(equals + 1), extra);
      text.remove_prefix(length);
    }
  }

  void take_record(std::string_view key, std::string_view value, Extra& extra) const {
    if (key == "path") extra.name = value;
    if (key.starts_with("GNU.sparse.")) extra.is_sparse = true;
    if (key != "size") return;
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
    if (error != std::errc() || end != value.data() + value.size()) fail_here("has a size that is no number");
    extra.size = size;
  }

  /// What is said for all members may be comments and times, but not what each has of its own.
  void check_global(const std::string& text) const {
    Extra extra;
    take_pax(text, extra);
    if (extra.name || extra.size || extra.is_sparse) fail_here("gives all members one name or size");
  }

  void take_member() {
    auto name = extra_.name ? *std::move(extra_.name) : name_of(header_);
    switch (header_[156]) {
      case '\0':
        if (name.ends_with('/')) return;  // a folder, before there was a kind of its own
        [[fallthrough]];
      case '0':
      case '7':  // in one piece on the disk, which says nothing here
        return add(name, extra_.is_sparse ? TarKind::Sparse : TarKind::File, size());
      case 'S':
        return add_old_sparse(name);
      case '1':
      case '2':
        return add(name, TarKind::Link, 0);
      case '3':
      case '4':
      case '6':
        return add(name, TarKind::Other, 0);
      case '5':  // a folder
      case 'V':  // the archive's label
        return;
      case 'M':
        fail_here("continues a member of another archive: archives of several volumes are not read");
      default:
        return add(name, TarKind::Other, size());
    }
  }

  std::uint64_t size() const { return extra_.size ? *extra_.size : size_in_header(); }

  /// GNU tar's old form has further blocks that say where the pieces belong.
  void add_old_sparse(std::string_view name) {
    bool goes_on = header_[482] != 0;
    const auto stored = size();
    while (goes_on) {
      Block more;
      if (next_ + tar_block > file_.size()) fail_here("goes on beyond the archive's end");
      file_.read(next_, std::as_writable_bytes(std::span(more)));
      next_ += tar_block;
      goes_on = more[504] != 0;
    }
    add(name, TarKind::Sparse, stored);
  }

  void add(std::string_view given_name, TarKind kind, std::uint64_t size) {
    const auto name = without_dots(given_name);
    if (name.empty() || name.ends_with('/') || name.find('\0') != name.npos) {
      fail_here(fmt::format("names no file ('{}')", display(given_name)));
    }
    if (leads_out(name)) {
      throw Error(fmt::format("cannot read {}:{}: the name leads out of the folder that it is unpacked into",
                              display_path(file_.path()), display(name)));
    }
    const auto offset = skip(size, name);
    members_.push_back({.name = std::string(name), .kind = kind, .offset = offset, .size = size});
  }

  const ReadOnlyFile& file_;
  std::uint64_t at_ = 0;    ///< Of the header.
  std::uint64_t next_ = 0;  ///< Of what follows it.
  Block header_ = {};
  Extra extra_ = {};
  std::vector<TarMember> members_;
};

}  // namespace

std::vector<TarMember> list_tar(const ReadOnlyFile& file) { return Lister(file).list(); }

}  // namespace scatlight::io
