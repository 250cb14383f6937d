/* What libstdc++ takes from a glibc that a wheel is not for. "There may be more threads" is always true. */
char __libc_single_threaded = 0;
