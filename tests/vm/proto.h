/*
 * proto.h - frames between tests/vm/machine.py (host) and tests/vm/init.c (pid 1 of the test machine) over one
 * virtio-serial port: a header, then len bytes. Little-endian. Command output and exit status travel here, byte for
 * byte; the kernel log has the serial port for itself.
 *
 * Host to guest
 *   J  start a command: u32 timeout in ms (0 = none), u32 flags, u16 rows, u16 cols, then NUL-terminated strings: working
 *      folder, argument list, an empty string, environment list, an empty string. One command at a time.
 *   I  bytes for its stdin; no bytes: end of file.   (only with JOB_STDIN or JOB_TTY)
 *   S  u32 signal number for its process group
 *   Q  power off
 * Guest to host
 *   H  ready; u32 milliseconds since the kernel started
 *   O  bytes of stdout (and of a terminal)           E  bytes of stderr
 *   B  alive: each BEAT_MS while a command runs, so that a dead machine is soon known from a slow command
 *   X  struct frame_exit
 */
#ifndef MOAT_TESTS_VM_PROTO_H
#define MOAT_TESTS_VM_PROTO_H

#include <stdint.h>

struct frame {
	uint32_t len;
	uint8_t type;
	uint8_t pad[3];
};

#define FRAME_MAX 65536
#define BEAT_MS	  2000

#define JOB_STDIN 1u
#define JOB_TTY	  2u

struct frame_job {
	uint32_t timeout_ms;
	uint32_t flags;
	uint16_t rows;
	uint16_t cols;
};

struct frame_exit {
	int32_t status;	    /* as waitpid gives it */
	uint32_t timed_out; /* killed because its time was over */
	uint32_t left;	    /* processes that outlived it and were killed */
	uint32_t ms;	    /* wall time */
};

#endif
