#pragma once

#include <string>

#include "cli/team_place.h"

namespace scatlight::cli {

/// How a call of the program ended.
struct ProgramEnd {
  int status = 0;              ///< The exit status.
  std::string complaint = {};  ///< What went wrong, in one line; it was printed.
};

/// The command line: runs it and prints errors. A signal that stopped the work ends the process.
ProgramEnd run_program(int argc, char** argv, const TeamPlace& place);

}  // namespace scatlight::cli

/// run_program() of a process alone, by a name that main.cpp looks up. Returns the exit status.
extern "C" __attribute__((visibility("default"))) int scatlight_run_program(int argc, char** argv);
