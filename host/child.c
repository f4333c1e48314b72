/*
 * child.c - see child.h.
 */
#include <errno.h>
#include <sys/wait.h>

#include "host/child.h"

int child_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int child_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return child_status(status);
}
