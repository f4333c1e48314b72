/* What a network namespace has learned of its neighbours, and fragments that wait for the rest: no other one can push it out. */
#include "rtnl.h"
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>

#define COMMANDS 7071
#define DATA	 7072
#define MANY	 300

/* Half of a datagram of 16 bytes from 10.7.7.2 to 10.7.7.1. */
static void fragment(int raw, unsigned short id, bool second)
{
	struct {
		struct iphdr ip;
		char bytes[16];
	} m = { .ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(20 + (second ? 8 : 16)),
			.id = htons(id),
			.frag_off = htons(second ? 2 : IP_MF),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = inet_addr("10.7.7.2"),
			.daddr = inet_addr("10.7.7.1") } };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { m.ip.daddr } };
	struct udphdr u = { .source = htons(COMMANDS), .dest = htons(DATA), .len = htons(8 + 16) };

	if (second) {
		memcpy(m.bytes, "ijklmnop", 8);
	} else {
		memcpy(m.bytes, &u, sizeof(u));
		memcpy(m.bytes + 8, "abcdefgh", 8);
	}
	CHECK_EQ(sendto(raw, &m, ntohs(m.ip.tot_len), 0, (void *)&to, sizeof(to)),
		 ntohs(m.ip.tot_len));
}

/* Sends one half or the other, or the first halves of many others, as it is told. */
static void other_end(int ready, int go)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(COMMANDS) };
	int s = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	int raw = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	struct pollfd p[2] = { { .fd = go, .events = POLLIN }, { .fd = s, .events = POLLIN } };
	char c;

	CHECK_OK(bind(s, (void *)&a, sizeof(a)));
	CHECK_EQ(write(ready, "x", 1), 1);
	while (poll(p, 2, -1) > 0 && !p[0].revents) {
		if (recv(s, &c, 1, 0) != 1)
			continue;
		for (int i = 0; c == 'm' && i < MANY; i++)
			fragment(raw, (unsigned short)(1000 + i), false);
		if (c != 'm')
			fragment(raw, 7, c == '2');
	}
}

static int open_data(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(DATA) };
	struct timeval soon = { 3, 0 };
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));

	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
	return fd;
}

static void tell(int fd, const char *to, char c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(COMMANDS),
				 .sin_addr = { inet_addr(to) } };

	CHECK_EQ(sendto(fd, &c, 1, 0, (void *)&a, sizeof(a)), 1);
}

/* Is the other end's hardware address known? */
static bool knows_other_end(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/net/arp", "r");
	bool found = false;

	CHECK(f != NULL);
	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, "10.7.7.2 ", 9) && strstr(line, "0x2");
	if (f)
		fclose(f);
	return found;
}

/* In a namespace of its own: neighbours that nobody is, fragments without end. */
static void flood(void)
{
	struct far_end f;
	char name[16];
	int fd;

	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(far_end_start(&f, other_end), 0);
	fd = open_data();
	tell(fd, "10.7.7.2", 'm');
	WAIT_UNTIL(knows_other_end());
	for (int i = 3; i < 203; i++) {
		snprintf(name, sizeof(name), "10.7.7.%d", i);
		tell(fd, name, 'x');
	}
	abi_sleep_ms(100);
	close(fd);
	far_end_stop(&f);
	_exit(abi_fails ? 1 : 0);
}

TEST_FORK(nobody_pushes_out_another)
{
	struct far_end f;
	char b[32];
	pid_t other;
	int fd, st = -1;

	OWN_NETWORK();
	NEED_VETH(far_end_start(&f, other_end));
	fd = open_data();
	tell(fd, "10.7.7.2", '1');
	WAIT_UNTIL(knows_other_end()); /* a pair that was just made may lose the first request */
	other = fork();
	if (!other)
		flood();
	CHECK_EQ(waitpid(other, &st, 0), other);
	CHECK_EQ(st, 0);
	CHECK(knows_other_end());
	tell(fd, "10.7.7.2", '2');
	CHECK_EQ(recv(fd, b, sizeof(b), 0), 16);
	CHECK(!memcmp(b, "abcdefghijklmnop", 16));
	close(fd);
	far_end_stop(&f);
}
