#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace scatlight::test {

/// How many damaged copies a test tries: `usual`, or more by hand with SCATLIGHT_MUTATIONS=10000.
inline int mutation_rounds(int usual) {
  const char* wanted = std::getenv("SCATLIGHT_MUTATIONS");
  return wanted == nullptr ? usual : std::atoi(wanted);
}

/// A damaged copy of a valid file, for tests that feed readers with hostile bytes: bits flipped, bytes set to
/// extremes, pieces cut, doubled or overwritten. The same generator state gives the same damage.
inline std::string mutate(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  // Headers matter most: half of all damage falls on the first bytes.
  const auto place = [&] {
    return random() % 2 == 0 ? below(std::min<std::size_t>(bytes.size(), 64)) : below(bytes.size());
  };
  for (std::size_t round = 0, rounds = 1 + below(6); round < rounds && !bytes.empty(); ++round) {
    const auto at = place();
    const auto length = std::min(1 + below(32), bytes.size() - at);
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes.replace(at, std::min<std::size_t>(length, 4), std::min<std::size_t>(length, 4),
                      random() % 2 == 0 ? '\xff' : '\0');
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, length));
        break;
      default:
        bytes.erase(at, length);
    }
  }
  return bytes;
}

/// A copy of a text in which what stands between two of the delimiters is something else.
inline std::string exchange_part(std::string text, std::string_view delimiters, std::mt19937_64& random) {
  static constexpr std::string_view others[] = {"",
                                                "-1",
                                                "0",
                                                "0.5",
                                                "1e308",
                                                "1e999",
                                                "nan",
                                                "[]",
                                                "{}",
                                                "null",
                                                "true",
                                                "\"x\"",
                                                "../x",
                                                "\x01",
                                                "9",
                                                "-0.0",
                                                "7e5",
                                                "\xff\xfe",
                                                "99999999999999999999"};
  const auto at = static_cast<std::size_t>(random() % text.size());
  const auto before = text.find_last_of(delimiters, at);
  const auto first = before == text.npos ? 0 : before + 1;
  const auto end = std::min(text.find_first_of(delimiters, first), text.size());
  return text.replace(first, end - first, others[random() % std::size(others)]);
}

}  // namespace scatlight::test
