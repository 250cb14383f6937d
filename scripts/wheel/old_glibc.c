/* What the static libstdc++ takes from a newer glibc than the wheel is for. "There may be more threads" is always true. */
char __libc_single_threaded = 0;
