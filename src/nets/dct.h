#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace scatlight::nets {

/// The discrete cosine transform of blocks in YCbCr as a convolution whose stride is the block: of an image
/// as JPEG would code it without subsampling and rounding, the coefficients divided by 255.
struct DctFilters {
  at::Tensor weight;  ///< (channels, 3, block, block) float32
  at::Tensor bias;    ///< (channels)
};

/// For images R, G, B in [0, 1] from which `mean` was subtracted, and which were divided by `deviation`.
/// YCbCr is JFIF 1.02's, Y shifted by half of its range; the transform is the orthonormal DCT-II, JPEG's for
/// blocks of 8. The channels are the lowest coefficients of Y in zigzag order, then those of Cb, then those
/// of Cr; Cb and Cr have 5 of 24 each while Y has more than it gets, which for 24 channels are the 14, 5 and
/// 5 of Xu et al., "Learning in the frequency domain" (CVPR 2020). 0 channels are all. Throws Error for more
/// than there are.
DctFilters make_dct(int block, int channels, const std::array<float, 3>& mean,
                    const std::array<float, 3>& deviation);

/// How many channels of Y, Cb and Cr there are among so many of all.
std::array<int, 3> dct_shares(int block, int channels);

}  // namespace scatlight::nets
