#pragma once

namespace scatlight::train {

/// Makes torch work on so many threads of this process, 0: one for each core; returns their number.
int use_threads(int threads);

}  // namespace scatlight::train
