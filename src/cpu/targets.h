#pragma once

// One target for each vector width: what lies between gains nothing for this arithmetic.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#include <hwy/detect_targets.h>
