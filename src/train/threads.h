#pragma once

namespace scatlight::train {

/// Makes torch use this many threads in this process (0: one per core); returns their number.
int use_threads(int threads);

}  // namespace scatlight::train
