// sources: host/gofer/*.c host/error.c host/ring_dev.c tests/unit/p9_client.c
// libs: -lseccomp -lpthread
/*
 * fuzz_gofer.c - sessions of mostly sensible, partly broken 9P messages against one connection of
 * the gofer.
 *
 *   fuzz_gofer [SEED [SESSIONS]]      deterministic; a session depends on its seed alone, which counts up
 * With -DMOAT_LIBFUZZER it is a libFuzzer target instead: each input is one session.
 *
 * A session is a string of bytes that steers a grammar: which message, which fid of a few, which
 * name of a few (links out of the root and hostile ones among them), and which damage is done to
 * the message before it is sent. After each message: the answer is well formed and within its room.
 * After each session: no descriptor is left, and nothing outside the root has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/gofer/conn.h"
#include "tests/unit/p9_client.h"

#define ROOM (80 << 10)

struct input {
	const uint8_t *p;
	size_t left;
};

static const char *const names[] = { "a",
				     "b",
				     "d",
				     "e",
				     "link",
				     "out",
				     "up",
				     "fifo",
				     "x",
				     "y",
				     "..",
				     ".",
				     "",
				     "d/e",
				     "/etc",
				     "\xff\xfe",
				     "a-name-that-is-somewhat-longer-than-the-others" };
static char *inside, *outside;
static unsigned long sent, answered;
static uint8_t t_buf[ROOM], r_buf[ROOM];

static unsigned pick(struct input *in, unsigned n)
{
	unsigned v;

	if (!in->left)
		return 0;
	v = *in->p++;
	in->left--;
	return v % n;
}

static uint64_t number(struct input *in)
{
	static const uint64_t odd[] = { 0,	    1,	       11,	   4095,
					4096,	    65535,     65536,	   INT32_MAX,
					UINT32_MAX, INT64_MAX, 1ULL << 63, UINT64_MAX };

	if (pick(in, 4))
		return pick(in, 256);
	return odd[pick(in, sizeof(odd) / sizeof(odd[0]))];
}

static void fill(struct input *in, struct wire_wr *w, const char *fmt)
{
	for (; *fmt; fmt++) {
		switch (*fmt) {
		case 'f':
			wire_put32(w, pick(in, 40) ? pick(in, 3) * pick(in, 4) : number(in));
			break;
		case 'b': wire_put8(w, number(in)); break;
		case 'w': wire_put16(w, number(in)); break;
		case 'd': wire_put32(w, number(in)); break;
		case 'q': wire_put64(w, number(in)); break;
		case 'm': wire_put32(w, (pick(in, 16) << 12) | (pick(in, 64) << 3 | 0700)); break;
		case 'o':
			wire_put32(w,
				   pick(in, 8) ? pick(in, 3) | pick(in, 2) * O_TRUNC : number(in));
			break;
		case 'O': wire_put32(w, pick(in, 2) ? P9_WGA_NOOPEN : pick(in, 3)); break;
		case 'c': wire_put32(w, pick(in, 4) ? 300 + pick(in, 256) * 16 : number(in)); break;
		case 's': wire_put_str(w, names[pick(in, sizeof(names) / sizeof(names[0]))]); break;
		case 'x': wire_put_str(w, pick(in, 4) ? "user.t" : names[pick(in, 4)]); break;
		case 'n': { /* a count and as many names */
			unsigned n = pick(in, 20) ? pick(in, 4) : pick(in, 30);

			wire_put16(w, n);
			while (n--)
				wire_put_str(w, names[pick(in, 9)]);
			break;
		}
		case 'D': { /* a count and as much data */
			unsigned n = pick(in, 3) * pick(in, 256);

			wire_put32(w, n);
			wire_put(w, r_buf, n);
			break;
		}
		}
	}
}

static const struct {
	uint8_t type;
	const char *fmt;
} grammar[] = {
	{ P9_TWALK, "ffn" },
	{ P9_TWALK, "ffn" },
	{ P9_TWALK, "ffn" },
	{ P9_TWALKGETATTR, "ffOn" },
	{ P9_TWALKGETATTR, "ffOn" },
	{ P9_TCLUNK, "f" },
	{ P9_TCLUNK, "f" },
	{ P9_TLOPEN, "fo" },
	{ P9_TLOPEN, "fo" },
	{ P9_TLCREATE, "fsomd" },
	{ P9_TREAD, "fqc" },
	{ P9_TWRITE, "fqD" },
	{ P9_TREADDIR, "fqc" },
	{ P9_TREADDIRPLUS, "fqc" },
	{ P9_TGETATTR, "fq" },
	{ P9_TSETATTR, "fdmddqqqqq" },
	{ P9_TMKDIR, "fsmd" },
	{ P9_TSYMLINK, "fssd" },
	{ P9_TMKNOD, "fsmddd" },
	{ P9_TLINK, "ffs" },
	{ P9_TRENAME, "ffs" },
	{ P9_TRENAMEAT, "fsfs" },
	{ P9_TRENAMEAT2, "fsfsd" },
	{ P9_TUNLINKAT, "fsd" },
	{ P9_TREMOVE, "f" },
	{ P9_TREADLINK, "f" },
	{ P9_TXATTRWALK, "ffx" },
	{ P9_TXATTRCREATE, "fxqd" },
	{ P9_TFSYNC, "fd" },
	{ P9_TLOCK, "fbdqqds" },
	{ P9_TGETLOCK, "fbqqds" },
	{ P9_TSTATFS, "f" },
	{ P9_TFLUSH, "w" },
	{ P9_TATTACH, "fdssd" },
	{ P9_TMAKE, "ffsmqddOs" },
	{ P9_TALLOCATE, "fdqq" },
	{ P9_TWRITEPART, "fqdD" },
	{ P9_TAUTH, "fssd" },
	{ P9_TVERSION, "ds" },
	/* again, for what usually works */
	{ P9_TWALKGETATTR, "ffOn" },
	{ P9_TWALK, "ffn" },
	{ P9_TCLUNK, "f" },
	{ P9_TMAKE, "ffsmqddOs" },
	{ P9_TRENAMEAT, "fsfs" },
	{ P9_TLOPEN, "fo" },
	{ P9_TREADDIRPLUS, "fqc" },
	{ P9_TMKDIR, "fsmd" },
};

/* Build a message, and damage one in eight. Returns the length that is sent. */
static size_t build(struct input *in)
{
	struct wire_wr w = { .buf = t_buf, .cap = sizeof(t_buf) };
	unsigned g = pick(in, sizeof(grammar) / sizeof(grammar[0]));
	uint32_t size;
	size_t len;

	wire_put32(&w, 0);
	wire_put8(&w, grammar[g].type);
	wire_put16(&w, pick(in, 256));
	if (grammar[g].type == P9_TVERSION && pick(in, 16) < 15) {
		wire_put32(&w, P9_MSIZE_MAX);
		wire_put_str(&w, P9_VERSION_MOAT);
	} else {
		fill(in, &w, grammar[g].fmt);
	}
	len = w.len;
	size = len;
	memcpy(t_buf, &size, 4);
	switch (pick(in, 24)) {
	case 1: /* cut */
		len = pick(in, len + 1);
		if (pick(in, 2) && len >= 4) {
			size = len;
			memcpy(t_buf, &size, 4);
		}
		break;
	case 2: /* other bytes */
		for (unsigned n = pick(in, 4); n; n--)
			t_buf[4 + pick(in, len - 4)] = pick(in, 256);
		break;
	case 3: /* a wrong size */
		size = number(in);
		memcpy(t_buf, &size, 4);
		break;
	}
	/* Never more room on the disk than a test may take. */
	if (t_buf[4] == P9_TALLOCATE)
		memset(t_buf + 25, 0, 6);
	return len;
}

/* Cut [buf, buf + len) into a few buffers. */
static unsigned split(struct input *in, uint8_t *buf, size_t len, struct iovec *iov)
{
	unsigned n = 0;

	while (n < 6 && len > 1 && pick(in, 3)) {
		size_t part = 1 + pick(in, len < 255 ? len - 1 : 255);

		iov[n].iov_base = buf;
		iov[n++].iov_len = part;
		buf += part;
		len -= part;
	}
	iov[n].iov_base = buf;
	iov[n++].iov_len = len;
	return n;
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	printf("%s: type %u, answer %u\n", what, t_buf[4], r_buf[4]);
	abort();
}

static void exchange(struct conn *c, struct input *in)
{
	struct iovec out[8], back[8];
	size_t len = build(in), room = pick(in, 16) ? ROOM - 1 : pick(in, 256), got;
	unsigned nout = split(in, t_buf, len, out), nin = split(in, r_buf, room, back);
	uint32_t size, code;

	sent++;
	r_buf[room] = 0xa5;
	got = conn_handle(c, out, nout, len, back, nin, room);
	check(r_buf[room] == 0xa5, "written behind the room");
	if (room < P9_HDR + 4) {
		check(!got, "an answer without room");
		return;
	}
	check(got >= P9_HDR && got <= room, "size of the answer");
	memcpy(&size, r_buf, 4);
	check(size == got, "size field");
	if (r_buf[4] == P9_RLERROR) {
		memcpy(&code, r_buf + P9_HDR, 4);
		check(got == P9_HDR + 4 && code > 0 && code < 4096, "Rlerror");
	} else {
		check(r_buf[4] == t_buf[4] + 1, "type of the answer");
		answered++;
	}
	check(len < P9_HDR || !memcmp(r_buf + 5, t_buf + 5, 2), "tag");
}

/* Send what wire_wr has, and want an answer without an error. */
static void must(struct conn *c, struct wire_wr *w)
{
	struct iovec out = { t_buf, w->len }, back = { r_buf, ROOM - 1 };
	uint32_t size = w->len;

	memcpy(t_buf, &size, 4);
	conn_handle(c, &out, 1, w->len, &back, 1, ROOM - 1);
	check(r_buf[4] == t_buf[4] + 1, "a good message was refused");
	w->len = 0;
}

static void begin(struct wire_wr *w, uint8_t type)
{
	*w = (struct wire_wr){ .buf = t_buf, .cap = ROOM };
	wire_put32(w, 0);
	wire_put8(w, type);
	wire_put16(w, 0);
}

/* A version, the root as fid 0, and clones of it. */
static void open_session(struct conn *c)
{
	struct wire_wr w;

	begin(&w, P9_TVERSION);
	wire_put32(&w, P9_MSIZE_MAX);
	wire_put_str(&w, P9_VERSION_MOAT);
	must(c, &w);
	begin(&w, P9_TATTACH);
	wire_put32(&w, 0);
	wire_put32(&w, P9_NOFID);
	wire_put_str(&w, "");
	wire_put_str(&w, "");
	wire_put32(&w, P9_NONUID);
	must(c, &w);
	for (uint32_t fid = 1; fid <= 3; fid++) {
		begin(&w, P9_TWALK);
		wire_put32(&w, 0);
		wire_put32(&w, fid);
		wire_put16(&w, 0);
		must(c, &w);
	}
}

/* The tree as each session finds it. */
static void plant(void)
{
	p9c_rmtree(inside);
	if (mkdir(inside, 0755) < 0 || chdir(inside) < 0 || mkdir("d", 0755) < 0 ||
	    mkdir("d/e", 0755) < 0 || symlink("d", "link") < 0 || symlink(outside, "out") < 0 ||
	    symlink("..", "up") < 0 || mkfifo("fifo", 0644) < 0 ||
	    close(open("a", O_CREAT | O_WRONLY, 0644)) < 0 ||
	    close(open("d/b", O_CREAT | O_WRONLY, 0644)) < 0) {
		perror(inside);
		exit(1);
	}
}

static void check_outside(void)
{
	struct stat st;
	char path[300];

	snprintf(path, sizeof(path), "%s/a", outside);
	check(!stat(path, &st) && st.st_size == 3 && st.st_mode == (S_IFREG | 0444) &&
		      st.st_nlink == 1,
	      "a file outside was changed");
	check(!stat(outside, &st) && st.st_nlink == 2 && st.st_mode == (S_IFDIR | 0700),
	      "a directory outside was changed");
	snprintf(path, sizeof(path), "%s/x", outside);
	check(access(path, F_OK) < 0, "a file appeared outside");
}

static void session(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct gofer_config cfg = { .set_owner = pick(&in, 2) && !geteuid(),
				    .read_only = !pick(&in, 16),
				    .cross_mounts = pick(&in, 2) };
	struct gofer_export root = { "", -1, cfg.read_only, cfg.cross_mounts, false };
	struct gofer g = {
		.cfg = &cfg, .exports = &root, .nexports = 1, .read_only = cfg.read_only
	};
	struct conn c;
	int fds;

	plant();
	fds = open("/dev/null", O_RDONLY); /* the lowest free number: where leaks would show */
	close(fds);
	cfg.root_fd = root.fd = open(inside, O_PATH | O_DIRECTORY);
	if (conn_init(&c, &g, 64) < 0)
		exit(1);
	open_session(&c);
	while (in.left) {
		if ((!c.versioned || !fid_find(&c, 0)) && !pick(&in, 8))
			open_session(&c);
		exchange(&c, &in);
	}
	conn_destroy(&c);
	close(cfg.root_fd);
	check(open("/dev/null", O_RDONLY) == fds, "descriptors leaked");
	close(fds);
	check_outside();
}

static void init(void)
{
	struct rlimit rl = { 1 << 20, 1 << 20 };
	char path[300];
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &rl);
	umask(0);
	inside = p9c_tmpdir();
	outside = p9c_tmpdir();
	snprintf(path, sizeof(path), "%s/a", outside);
	fd = open(path, O_CREAT | O_WRONLY, 0444);
	if (write(fd, "out", 3) != 3)
		exit(1);
	close(fd);
}

#ifdef MOAT_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!inside)
		init();
	session(data, len);
	return 0;
}

#else

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned long sessions = argc > 2 ? strtoul(argv[2], NULL, 0) : 300;
	static uint8_t data[4096];

	init();
	for (unsigned long i = 0; i < sessions; i++, seed++) {
		uint64_t s = seed * 0x9e3779b97f4a7c15ULL | 1;

		for (size_t n = 0; n < sizeof(data); n++)
			data[n] = xorshift(&s) >> 24;
		if (i % 100 == 0) {
			printf("from seed %llu\n",
			       (unsigned long long)seed); /* where to look when one dies */
			fflush(stdout);
		}
		session(data, sizeof(data));
	}
	printf("%lu sessions, %lu messages, %lu of them answered without an error: no fault\n",
	       sessions, sent, answered);
	if (chdir("/") < 0)
		return 1;
	p9c_rmtree(inside);
	p9c_rmtree(outside);
	return 0;
}

#endif
