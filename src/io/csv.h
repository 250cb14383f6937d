#pragma once

#include <string>
#include <vector>

namespace scatlight::io {

/// A line of CSV (RFC 4180, but for its end, which is one character as in other text files). Fields with
/// commas, quotes or line breaks are quoted.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace scatlight::io
