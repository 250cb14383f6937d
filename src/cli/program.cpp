#include "cli/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <climits>
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
#include "io/file.h"
#include "io/interrupt.h"
#include "scatlight/error.h"
#include "scatlight/version.h"
#include "train/shared_error.h"

#ifdef SCATLIGHT_HAS_TORCH
#include <c10/util/Exception.h>
#endif

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

void add_commands(CLI::App& app, const TeamPlace& place) {
  add_info_command(app);
#ifdef SCATLIGHT_HAS_TORCH
  add_models_command(app);
#endif
  add_transform_command(app, place);
  add_reconstruct_command(app);
  add_draw_command(app);
  add_pack_command(app);
  add_study_command(app);
#ifdef SCATLIGHT_HAS_TORCH
  add_train_command(app, place);
  add_train_detector_command(app, place);
  add_eval_command(app, place);
  add_predict_command(app, place);
  add_bench_command(app);
#endif
  add_completion_command(app);
  for (CLI::App* command : app.get_subcommands({})) {
    command->group("Commands");
    add_config_option(*command);
    refuse_nan(*command);
  }
}

/// Who reports what went wrong, of the processes of a team.
enum class Reporter { Each, FirstOfMachine, FirstOfTeam };

bool reports(const TeamPlace& place, Reporter reporter) {
  switch (reporter) {
    case Reporter::FirstOfMachine:
      return place.local_rank == 0;
    case Reporter::FirstOfTeam:
      return place.rank == 0;
    default:
      return true;
  }
}

ProgramEnd complain(const TeamPlace& place, int status, std::string_view line,
                    Reporter reporter = Reporter::Each) {
  // Some libraries append a stack trace; the first line says what went wrong.
  line = line.substr(0, line.find('\n'));
  if (reports(place, reporter)) {
    const auto who =
        place.rank == 0 ? std::string() : fmt::format("[process {} of {}] ", place.rank, place.size);
    fmt::print(stderr, "{}scatlight: {}\n", who, line);
  }
  return {.status = status, .complaint = std::string(line)};
}

/// Opens the standard streams that the caller closed, so that no file of ours gets their numbers. Results
/// that are written to such an output fail, as they should; messages are lost.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free number is the stream's.
    [[maybe_unused]] const int opened = ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

ProgramEnd run(int argc, char** argv, const TeamPlace& place) {
  CLI::App app(description, "scatlight");
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->label("Positionals", "Arguments");
  app.formatter(formatter);
  app.set_help_flag("-h,--help", "Print this help and exit.");
  app.set_version_flag("--version", "scatlight " SCATLIGHT_VERSION, "Print the version and exit.");
  app.require_subcommand(0, 1);
  app.footer(examples);
  add_commands(app, place);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {  // --help, --version
    if (place.rank == 0) app.exit(request);
    return {};
  } catch (const CLI::ParseError& error) {
    return complain(place, wrong_usage, usage_line(app, error), Reporter::FirstOfMachine);
  }
  if (app.get_subcommands().empty())
    return complain(place, wrong_usage, missing_command_line(app), Reporter::FirstOfMachine);
  return {};
}

/// Every step of a training frees and takes the same hundreds of megabytes. glibc gives them back to the
/// system in between, which then clears each page anew: 3 to 8 per cent of a step.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int gibibyte = 1 << 30;
  ::mallopt(M_MMAP_THRESHOLD, gibibyte);
  ::mallopt(M_TRIM_THRESHOLD, INT_MAX);
  ::mallopt(M_TOP_PAD, gibibyte / 16);
#endif
}

}  // namespace

ProgramEnd run_program(int argc, char** argv, const TeamPlace& place) try {
  open_standard_streams();
  keep_freed_memory();
  // A reader that closes our output (`scatlight models | head -3`) ends us quietly, even when we were started
  // by a program that ignores this signal. In a team the signal also comes where another process has ended,
  // about which the error of the call says more.
  if (place.group.empty()) std::signal(SIGPIPE, SIG_DFL);
  io::raise_open_file_limit();
  auto end = run(argc, argv, place);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(place, failure, "cannot write to standard output");
  return end;
} catch (const io::Stopped& stopped) {
  auto end = complain(place, failure, stopped.what(), Reporter::FirstOfTeam);
  std::fflush(stdout);
  // Another process of the team may have had the signal.
  if (const int signal = io::StopOnSignal::signal(); signal != 0) std::raise(signal);
  return end;
} catch (const train::SharedError& error) {
  return complain(place, failure, error.what(), Reporter::FirstOfTeam);
} catch (const std::bad_alloc&) {
  return complain(place, failure, "out of memory");
#ifdef SCATLIGHT_HAS_TORCH
} catch (const c10::OutOfMemoryError&) {
  return complain(
      place, failure,
      "the GPU's memory does not suffice: fewer images at a time (--batch, --micro-batch) or smaller "
      "ones (--size, --long-side) need less");
#endif
} catch (const std::filesystem::filesystem_error& error) {
  return complain(place, failure,
                  fmt::format("{}: {}", io::display_path(error.path1()), error.code().message()));
} catch (const std::system_error& error) {
  const bool threads = error.code() == std::errc::resource_unavailable_try_again;
  return complain(
      place, failure,
      threads ? "no more threads can be made: the system's limit is reached (ulimit -u)" : error.what());
} catch (const std::exception& error) {
  return complain(place, failure, error.what());
}

}  // namespace scatlight::cli

int scatlight_run_program(int argc, char** argv) {
  return scatlight::cli::run_program(argc, argv, {}).status;
}
