#include "io/interrupt.h"

#include <csignal>

namespace scatlight::io {
namespace {

volatile std::sig_atomic_t was_requested = 0;

void remember(int signal) {
  was_requested = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

StopOnSignal::StopOnSignal() {
  was_requested = 0;
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

StopOnSignal::~StopOnSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool StopOnSignal::requested() { return was_requested != 0; }

}  // namespace scatlight::io
