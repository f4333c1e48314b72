/*
 * errtext.c - words for the few errors that the Sentry itself reports to a user. Small letters: engines look for Go's spelling
 * ("no such file or directory" makes docker's exit status 127).
 */
#include "lib/err.h"

const char *errno_text(int err)
{
	switch (-err) {
	case ENOENT: return "no such file or directory";
	case EACCES: return "permission denied";
	case ENOEXEC: return "exec format error";
	case ENOTDIR: return "not a directory";
	case EISDIR: return "is a directory";
	case ELOOP: return "too many levels of symbolic links";
	case ENOMEM: return "cannot allocate memory";
	case E2BIG: return "argument list too long";
	case ENAMETOOLONG: return "file name too long";
	case EIO: return "input/output error";
	case ETXTBSY: return "text file busy";
	case EINVAL: return "invalid argument";
	case ELIBBAD: return "accessing a corrupted shared library";
	case EROFS: return "read-only file system";
	case ENODEV: return "no such device";
	case ENOSPC: return "no space left on device";
	case EBUSY: return "device or resource busy";
	case EPERM: return "operation not permitted";
	default: return "unexpected error";
	}
}
