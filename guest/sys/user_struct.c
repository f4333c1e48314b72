/*
 * user_struct.c - structures of system calls that may grow: shorter than ours from old programs, longer from new ones.
 */
#include "sys/sys.h"

int user_read_struct(void *to, size_t known, uaddr_t from, u64 size)
{
	u8 byte;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (user_read(to, from, MIN(size, known)))
		return -EFAULT;
	for (u64 i = known; i < size; i++) {
		if (user_read(&byte, from + i, 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}
