// The kernels of one target: of Highway's targets, that in SCATLIGHT_TARGETS. Built once
// for each, as the compiler takes half a minute and a gigabyte for one.

#include "cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/target_kernels.cpp"
#include <hwy/foreach_target.h>

#if HWY_TARGET & (SCATLIGHT_TARGETS)
// Include guards toggle with every pass; this is the only one that includes anything.
#undef HWY_TARGET_TOGGLE
#include "cpu/kernels-inl.h"
#endif
