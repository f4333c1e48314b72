// sources: oci/pool.c oci/reader.c oci/config_fields.c oci/config_check.c oci/names.c oci/seccomp.c oci/state.c oci/mounts.c host/error.c host/mount_table.c host/overlay_dir.c host/size.c
// libs: -ljansson -lcap -lseccomp
/*
 * test_oci_fuzz.c - the first 4000 rounds of the fuzzer of config.json, in every run of the suite.
 */
#include "tests/fuzz/fuzz_config.c"
