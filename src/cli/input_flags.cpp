#include "cli/input_flags.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <string_view>

#include "cli/refuse_flags.h"
#include "io/display.h"
#include "nets/catalogue.h"
#include "nets/front_end.h"
#include "scatlight/error.h"

namespace scatlight::cli {
namespace {

constexpr int most_paths = 100'000;

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0 || number >= most_paths)
    return std::nullopt;
  return number;
}

/// "0-8" and "12": the numbers from first to last.
std::vector<int> to_paths(const std::vector<std::string>& texts) {
  std::vector<int> paths;
  for (const std::string_view text : texts) {
    const auto dash = text.find('-');
    const auto first = number_of(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(text.substr(dash + 1));
    if (!first || !last || *last < *first) {
      throw CLI::ValidationError(fmt::format(
          "--paths {} is not accepted: give numbers and ranges, such as 0-8,12", io::display(text)));
    }
    for (int path = *first; path <= *last; ++path) paths.push_back(path);
  }
  return paths;
}

}  // namespace

void add_input_flags(CLI::App& command, InputFlags& flags) {
  constexpr auto& inputs = Names<nets::Input>::all;
  command
      .add_option("--input", flags.input,
                  "What the groups of blocks read, in place of the network's own input: scattering; pixels "
                  "(by the stem of a ResNet); dct (coefficients of blocks of 8 x 8 pixels in Y, Cb, Cr); "
                  "space-to-depth (the pixels of such blocks as channels); patchify (a learned convolution "
                  "of such blocks, to as many maps as scattering gives); pooled (their means).")
      ->check(CLI::IsMember(std::vector<std::string>(inputs.begin(), inputs.end())));
  command
      .add_option("--scales", flags.scales,
                  "J of the scattering: it averages over 2^J pixels. Other blocks are of 2^J x 2^J, too.")
      ->check(CLI::Range(1, 10));
  command.add_option("--angles", flags.angles, "L of the scattering: directions of the wavelets.")
      ->check(CLI::Range(1, 64));
  command.add_option("--max-order", flags.max_order, "Order of the scattering.")->check(CLI::Range(0, 2));
  command
      .add_option("--paths", flags.paths,
                  "Keep these maps of each colour's scattering, such as 0-8,12: 0 is the average, and "
                  "1 + scale * L + angle a wavelet's. All are kept if it is not given.")
      ->delimiter(',');
  command
      .add_option("--dct-channels", flags.dct_channels,
                  "Keep the lowest of the coefficients, so many in all; 24 are 14 of Y, 5 of Cb, 5 of Cr.")
      ->check(CLI::Range(1, 3072));
}

nets::NetworkOptions with_input(const nets::NetworkOptions& given, const InputFlags& flags) try {
  auto network = flags.input ? nets::with_input(given, from_name<nets::Input>(*flags.input)) : given;
  using nets::Input;
  const auto works_on = fmt::format("works on {}", name_of(network.input));
  const bool scatters = network.input == Input::Scattering;
  // The number of learned maps follows from all three.
  const bool counts = scatters || network.input == Input::Patchify;
  refuse_flags_of_network(!counts && (flags.angles || flags.max_order), "--angles or --max-order",
                          network.name, works_on);
  refuse_flags_of_network(network.input == Input::Pixels && flags.scales, "--scales", network.name, works_on);
  refuse_flags_of_network(!scatters && !flags.paths.empty(), "--paths", network.name, works_on);
  refuse_flags_of_network(network.input != Input::Dct && flags.dct_channels, "--dct-channels", network.name,
                          works_on);
  network.scales = flags.scales.value_or(network.scales);
  network.angles = flags.angles.value_or(network.angles);
  network.max_order = flags.max_order.value_or(network.max_order);
  network.paths = to_paths(flags.paths);
  network.dct_channels = flags.dct_channels.value_or(0);
  return network;
} catch (const Error& error) {
  throw CLI::ValidationError(error.what());
}

}  // namespace scatlight::cli
