#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

namespace scatlight::cli {

/// True for an option that stands alone, without a value.
bool is_flag(const CLI::Option& option);

/// The values an option takes, as its checks list them: {"jpg", "png"}; empty when it is not a choice.
std::vector<std::string> choices_of(const CLI::Option& option);

/// What an option accepts, in words: "a whole number from 2 to 12", "one of jpg, png".
std::string accepted_by(const CLI::Option& option);

/// Help pages of at most 100 columns: one paragraph per option, with its choices or range and its default.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_footer(const CLI::App* app) const override;
};

}  // namespace scatlight::cli
