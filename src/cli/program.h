#pragma once

namespace scatlight::cli {

/// The command line: runs it, prints errors, and returns the exit status. A signal that stopped the work ends
/// the process.
int run_program(int argc, char** argv);

}  // namespace scatlight::cli

/// run_program() by a name that main.cpp looks up.
extern "C" __attribute__((visibility("default"))) int scatlight_run_program(int argc, char** argv);
