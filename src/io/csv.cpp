#include "io/csv.h"

namespace scatlight::io {
namespace {

std::string quoted_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  const char* separator = "";
  for (const auto& field : fields) {
    line += separator;
    line += quoted_field(field);
    separator = ",";
  }
  return line + '\n';
}

}  // namespace scatlight::io
