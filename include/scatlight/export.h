#pragma once

/// What a shared library of scatlight shows.
#if defined(__GNUC__)
#define SCATLIGHT_API __attribute__((visibility("default")))
#else
#define SCATLIGHT_API
#endif
