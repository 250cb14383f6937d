#pragma once

#include "analysis/blobs.h"
#include "analysis/frame.h"
#include "analysis/periodic_bank.h"
#include "analysis/picture.h"

namespace scatlight::analysis {

// Pictures about 1000 pixels wide. Rows go down, as the height axis, along which theta = 0 points.

/// The Littlewood-Paley sum for real images over [-pi, pi)^2, zero in the middle: white is 1, blue less, red
/// more, with the circle of radius pi; beside it the sum's least, mean and largest value by |w|.
Picture draw_frame(const LittlewoodPaley& sum, double gain = 1);

/// The real part of every psi_{j,theta} in space, each by its own largest value, with phi_J under them: one
/// row per scale, one column per angle (16 at most, evenly chosen). The width of each row's window is given
/// beside it.
Picture draw_filters_in_space(const PeriodicBank& bank);

/// |psi^_{j,theta}| over [-pi, pi)^2, in the same order; black is 0, white the largest.
Picture draw_filters_in_frequency(const PeriodicBank& bank);

/// Blobs side by side, each from 0 (black) to its largest value (white). Height and width of each in samples.
Picture draw_blobs(const std::vector<Matrix2>& sigmas, int height, int width);

}  // namespace scatlight::analysis
