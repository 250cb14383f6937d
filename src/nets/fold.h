#pragma once

#include "nets/network.h"

namespace scatlight::nets {

/// For inference: batch norms folded into the convolutions before them. The network is in evaluation mode
/// from then on; it has no parameters and can no longer be trained or saved.
void fold_for_inference(Network& network);

}  // namespace scatlight::nets
