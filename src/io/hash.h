#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace scatlight::io {

/// A 64-bit hash (XXH3) of bytes that come in pieces: it detects damage and changes, and is not
/// cryptographic.
class Hash {
 public:
  Hash();
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);

  /// Sixteen hexadecimal digits for all that was added so far.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scatlight::io
