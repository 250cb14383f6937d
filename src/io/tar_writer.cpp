#include "io/tar_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "io/display.h"
#include "io/tar_block.h"
#include "scatlight/error.h"

namespace scatlight::io {
namespace {

constexpr std::array<std::byte, tar_block> zeros = {};

class TarHeader {
 public:
  TarHeader(std::string_view name, std::uint64_t size) {
    put(0, name);
    put(100, "0000644");  // may be read by all
    put(108, "0000000");  // owner
    put(116, "0000000");  // group
    put(124, fmt::format("{:011o}", size));
    put(136, "00000000000");  // time
    put(148, "        ");     // the sum, while it is added up
    put(156, "0");            // a file
    put(257, std::string_view("ustar\00000", 8));
    const auto sum = std::accumulate(bytes_.begin(), bytes_.end(), 0U, [](unsigned total, char c) {
      return total + static_cast<unsigned char>(c);
    });
    put(148, fmt::format("{:06o}", sum) + '\0');
  }

  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  void put(std::size_t at, std::string_view text) { std::ranges::copy(text, bytes_.begin() + at); }

  std::array<char, tar_block> bytes_ = {};
};

}  // namespace

void TarWriter::add(std::string_view name, std::span<const std::uint8_t> content) {
  constexpr std::size_t longest_name = 100;
  constexpr std::uint64_t largest = std::uint64_t{1} << 33;
  if (name.empty() || name.size() > longest_name || content.size() >= largest) {
    throw Error(fmt::format(
        "cannot archive {} ({} bytes): names of 1 to {} bytes and less than {} bytes are accepted",
        display(name), content.size(), longest_name, largest));
  }
  file_.write(TarHeader(name, content.size()).text());
  file_.write(std::as_bytes(content));
  const auto beyond = content.size() % tar_block;
  if (beyond > 0) file_.write(std::span(zeros).first(tar_block - beyond));
}

void TarWriter::commit() {
  file_.write(zeros);
  file_.write(zeros);
  file_.commit();
}

}  // namespace scatlight::io
