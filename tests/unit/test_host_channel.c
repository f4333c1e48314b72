// sources: host/channel.c host/error.c
/*
 * test_host_channel.c - the last words of a peer arrive, also when it closed without having heard all of ours.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/channel.h"

static int failed;

static void check(const char *what, int want, int got)
{
	if (want == got)
		return;
	fprintf(stderr, "%s: got %d, want %d\n", what, got, want);
	failed = 1;
}

static void end_of_peer(bool unheard)
{
	struct chan_msg ours = { .type = CHAN_GOFER_GONE },
			last = { .type = CHAN_FAILED, .b = 125, .len = 4, .data = "why" },
			m = { 0 };
	struct error err = { 0 };
	int fd[2];

	check("socketpair", 0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd));
	if (unheard)
		check("tell", 0, chan_send(fd[0], &ours, NULL, 0, &err));
	check("last words", 0, chan_send(fd[1], &last, NULL, 0, &err));
	close(fd[1]);
	check("their arrival", 1, chan_recv(fd[0], &m, NULL, NULL, 0, &err));
	check("their type", CHAN_FAILED, (int)m.type);
	check("their text", 0, strcmp((char *)m.data, "why"));
	check("the end", 0, chan_recv(fd[0], &m, NULL, NULL, MSG_DONTWAIT, &err));
	check("the end, again", 0, chan_recv(fd[0], &m, NULL, NULL, MSG_DONTWAIT, &err));
	close(fd[0]);
}

int main(void)
{
	end_of_peer(false);
	end_of_peer(true);
	return failed;
}
