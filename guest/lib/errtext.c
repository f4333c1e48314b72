/*
 * errtext.c - words for the few errors that the Sentry itself reports to a user.
 */
#include "lib/err.h"

const char *errno_text(int err)
{
	switch (-err) {
	case ENOENT: return "No such file or directory";
	case EACCES: return "Permission denied";
	case ENOEXEC: return "Exec format error";
	case ENOTDIR: return "Not a directory";
	case EISDIR: return "Is a directory";
	case ELOOP: return "Too many levels of symbolic links";
	case ENOMEM: return "Cannot allocate memory";
	case E2BIG: return "Argument list too long";
	case ENAMETOOLONG: return "File name too long";
	case EIO: return "Input/output error";
	case ETXTBSY: return "Text file busy";
	case EINVAL: return "Invalid argument";
	case ELIBBAD: return "Accessing a corrupted shared library";
	case EROFS: return "Read-only file system";
	case ENODEV: return "No such device";
	case ENOSPC: return "No space left on device";
	case EBUSY: return "Device or resource busy";
	case EPERM: return "Operation not permitted";
	default: return "Unexpected error";
	}
}
