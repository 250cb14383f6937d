// The executable. The program is a library of its own, loaded once the environment is as the libraries below
// it should find it: they read it when they are loaded, before any main().

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cli/program.h"

namespace {

/// OpenMP's threads wait for their next work by spinning for milliseconds. On a machine that others use too,
/// they spin away the time of those that they wait for, and training falls to a fraction of its speed. Some
/// microseconds are enough to keep the speed of a machine that nobody else uses
/// (benchmarks/shared_machine.py).
void let_openmp_sleep() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
}

}  // namespace

int main(int argc, char** argv) {
  let_openmp_sleep();
  std::error_code no_proc;
  const auto program =
      std::filesystem::read_symlink("/proc/self/exe", no_proc).parent_path() / SCATLIGHT_PROGRAM;
  void* const library = ::dlopen(program.c_str(), RTLD_NOW | RTLD_GLOBAL);
  const auto run =
      library == nullptr
          ? nullptr
          : reinterpret_cast<decltype(&scatlight_run_program)>(::dlsym(library, "scatlight_run_program"));
  if (run == nullptr) {
    std::fprintf(stderr, "scatlight: %s\n", ::dlerror());
    return 1;
  }
  return run(argc, argv);
}
