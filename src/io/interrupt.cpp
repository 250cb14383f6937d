#include "io/interrupt.h"

#include <csignal>

namespace scatlight::io {
namespace {

volatile std::sig_atomic_t last_signal = 0;

void remember(int signal) {
  last_signal = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

StopOnSignal::StopOnSignal() {
  last_signal = 0;
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

StopOnSignal::~StopOnSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool StopOnSignal::requested() { return last_signal != 0; }

void StopOnSignal::check() {
  if (requested()) throw Stopped("stopped by a signal: nothing was written");
}

int StopOnSignal::signal() { return last_signal; }

}  // namespace scatlight::io
