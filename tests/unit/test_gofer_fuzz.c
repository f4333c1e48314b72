// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * test_gofer_fuzz.c - the first 300 sessions of the fuzzer, in every run of the suite.
 */
#include "tests/fuzz/fuzz_gofer.c"
