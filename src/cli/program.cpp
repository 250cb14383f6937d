#include "cli/program.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/help.h"
#include "cli/usage.h"
#include "io/display.h"
#include "io/interrupt.h"
#include "scatlight/error.h"
#include "scatlight/version.h"

namespace scatlight::cli {
namespace {

constexpr int failure = 1;
constexpr int wrong_usage = 2;

constexpr const char* description =
    "scatlight computes the first-order scattering transform of images, and trains, evaluates and runs "
    "convolutional networks on it or on raw pixels.";

constexpr const char* examples = R"(
Examples:
  scatlight draw shapes                            draw a data set to try things on
  scatlight transform photo.jpg --out photo.npy    scattering features of a photograph
  scatlight train shapes/train --val shapes/val --run runs/first
  scatlight COMMAND --help                         all flags of a command, with examples)";

/// A range lets NaN pass, as it is neither below nor above it.
void refuse_nan(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (!option->get_type_name().starts_with("FLOAT")) continue;
    option->check(CLI::Validator(
        [](const std::string& text) {
          double number = 0;
          const bool is_nan = CLI::detail::lexical_cast(text, number) && std::isnan(number);
          return is_nan ? text + " is not a number" : std::string();
        },
        "", "number"));
  }
}

void add_commands(CLI::App& app) {
  add_info_command(app);
#ifdef SCATLIGHT_HAS_TORCH
  add_models_command(app);
#endif
  add_transform_command(app);
  add_reconstruct_command(app);
  add_draw_command(app);
  add_study_command(app);
#ifdef SCATLIGHT_HAS_TORCH
  add_train_command(app);
  add_train_detector_command(app);
  add_eval_command(app);
  add_predict_command(app);
  add_bench_command(app);
#endif
  add_completion_command(app);
  for (CLI::App* command : app.get_subcommands({})) {
    command->group("Commands");
    add_config_option(*command);
    refuse_nan(*command);
  }
}

int complain(int status, std::string_view line) {
  // Some libraries append a stack trace; the first line says what went wrong.
  line = line.substr(0, line.find('\n'));
  std::fprintf(stderr, "scatlight: %.*s\n", static_cast<int>(line.size()), line.data());
  return status;
}

int run(int argc, char** argv) {
  CLI::App app(description, "scatlight");
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->label("Positionals", "Arguments");
  app.formatter(formatter);
  app.set_help_flag("-h,--help", "Print this help and exit.");
  app.set_version_flag("--version", "scatlight " SCATLIGHT_VERSION, "Print the version and exit.");
  app.require_subcommand(0, 1);
  app.footer(examples);
  add_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    return complain(wrong_usage, usage_line(app, error));
  }
  if (app.get_subcommands().empty()) return complain(wrong_usage, missing_command_line(app));
  return 0;
}

}  // namespace

int run_program(int argc, char** argv) try {
  // A reader that closes our output (`scatlight models | head -3`) ends us quietly, even when we were started
  // by a program that ignores this signal.
  std::signal(SIGPIPE, SIG_DFL);
  const int status = run(argc, argv);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(failure, "cannot write to standard output");
  return status;
} catch (const io::Stopped& stopped) {
  complain(failure, stopped.what());
  std::fflush(stdout);
  std::raise(io::StopOnSignal::signal());
  return failure;
} catch (const std::bad_alloc&) {
  return complain(failure, "out of memory");
} catch (const std::filesystem::filesystem_error& error) {
  return complain(failure, fmt::format("{}: {}", io::display_path(error.path1()), error.code().message()));
} catch (const std::system_error& error) {
  const bool threads = error.code() == std::errc::resource_unavailable_try_again;
  return complain(failure, threads ? "no more threads can be made: the system's limit is reached (ulimit -u)"
                                   : error.what());
} catch (const std::exception& error) {
  return complain(failure, error.what());
}

}  // namespace scatlight::cli

int scatlight_run_program(int argc, char** argv) { return scatlight::cli::run_program(argc, argv); }
