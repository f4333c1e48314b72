/* Pseudo-terminals: opening, line discipline (canonical, echo, raw), window size, hang-up. */
#include "abi.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pty {
	int master, slave;
	char name[32];
};

/* A fresh pair; the slave is opened without becoming a controlling terminal. */
static int make(struct pty *p)
{
	int n = -1, zero = 0;

	p->slave = -1;
	p->master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (p->master < 0) {
		abi_say("no /dev/ptmx: %s\n", abi_errname(errno));
		return 0;
	}
	if (ioctl(p->master, TIOCGPTN, &n) || ioctl(p->master, TIOCSPTLCK, &zero))
		return 0;
	snprintf(p->name, sizeof(p->name), "/dev/pts/%d", n);
	p->slave = open(p->name, O_RDWR | O_NOCTTY);
	return p->slave >= 0;
}

static void drop(struct pty *p)
{
	close(p->slave);
	close(p->master);
}

/* What comes out of a descriptor, up to so many bytes or two seconds of silence. */
static char *output(int fd, size_t want)
{
	static char b[8192];
	struct pollfd p = { fd, POLLIN, 0 };
	size_t n = 0;

	while (n < want && poll(&p, 1, 2000) == 1 && (p.revents & POLLIN)) {
		ssize_t r = read(fd, b + n, sizeof(b) - 1 - n);

		if (r <= 0)
			break;
		n += r;
	}
	b[n] = 0;
	return b;
}

static int ready(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0);
}

/* Linux passes input on from a work queue: it may take its time to the other side. */
static int becomes_ready(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 5000);
}

static int queued(int fd)
{
	int n = -1;

	CHECK_OK(ioctl(fd, FIONREAD, &n));
	return n;
}

static void raw(int fd)
{
	struct termios t;

	CHECK_OK(tcgetattr(fd, &t));
	cfmakeraw(&t);
	CHECK_OK(tcsetattr(fd, TCSANOW, &t));
}

static void put(int fd, const char *s)
{
	CHECK_EQ(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

TEST(opening)
{
	struct pty p;
	struct stat st;
	int n = -1, lock = -1, m;

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	REQUIRE(m >= 0);
	CHECK_OK(ioctl(m, TIOCGPTN, &n));
	CHECK_OK(ioctl(m, TIOCGPTLCK, &lock));
	CHECK_EQ(lock, 1);
	snprintf(p.name, sizeof(p.name), "/dev/pts/%d", n);
	CHECK_ERRNO(open(p.name, O_RDWR | O_NOCTTY), EIO); /* still locked */
	close(m);
	CHECK_ERRNO(open(p.name, O_RDWR | O_NOCTTY), ENOENT);
	REQUIRE(make(&p));
	CHECK_EQ(isatty(p.master), 1);
	CHECK_EQ(isatty(p.slave), 1);
	CHECK_OK(fstat(p.slave, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_EQ(st.st_rdev >> 8, 136);
	int peer = ioctl(p.master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(peer >= 0);
	CHECK_OK(fstat(peer, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_rdev >> 8, 136);
	close(peer);
	drop(&p);
}

TEST(defaults)
{
	struct pty p;
	struct termios t;

	REQUIRE(make(&p));
	CHECK_OK(tcgetattr(p.slave, &t));
	CHECK_EQ(t.c_iflag, ICRNL | IXON);
	CHECK_EQ(t.c_oflag, OPOST | ONLCR);
	CHECK_EQ(t.c_cflag, B38400 | CS8 | CREAD);
	CHECK_EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	CHECK_EQ(t.c_cc[VINTR], 3);
	CHECK_EQ(t.c_cc[VEOF], 4);
	CHECK_EQ(t.c_cc[VERASE], 0x7f);
	CHECK_EQ(t.c_cc[VKILL], 21);
	CHECK_EQ(t.c_cc[VMIN], 1);
	CHECK_EQ(t.c_cc[VSUSP], 26);
	drop(&p);
}

/* System V's struct: the low halves of the flags, eight characters. */
TEST(termio)
{
	struct {
		unsigned short iflag, oflag, cflag, lflag;
		unsigned char line, cc[8];
	} a;
	struct termios t;
	struct pty p;

	REQUIRE(make(&p));
	CHECK_OK(tcgetattr(p.slave, &t));
	t.c_cflag |= 020000000000; /* CRTSCTS */
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	CHECK_OK(ioctl(p.slave, 0x5405, &a)); /* TCGETA */
	CHECK_EQ(a.iflag, ICRNL | IXON);
	CHECK_EQ(a.lflag, t.c_lflag & 0xffff);
	CHECK_EQ(a.cc[VINTR], 3);
	a.lflag &= (unsigned short)~ECHO;
	a.cc[VINTR] = 5;
	for (unsigned cmd = 0x5406; cmd <= 0x5408; cmd++) /* TCSETA, TCSETAW, TCSETAF */
		CHECK_OK(ioctl(p.slave, cmd, &a));
	CHECK_OK(tcgetattr(p.slave, &t));
	CHECK(!(t.c_lflag & ECHO));
	CHECK_EQ(t.c_cc[VINTR], 5);
	CHECK_EQ(t.c_cc[VSUSP], 26);
	CHECK(t.c_cflag & 020000000000);
	CHECK_ERRNO(ioctl(p.slave, 0x5405, NULL), EFAULT);
	CHECK_ERRNO(ioctl(p.slave, 0x5406, NULL), EFAULT);
	drop(&p);
}

TEST(canonical_input)
{
	struct pty p;
	char b[32] = "";

	REQUIRE(make(&p));
	put(p.master, "abc");
	CHECK_EQ(ready(p.slave), 0); /* no line yet */
	put(p.master, "d\nsecond\n");
	CHECK_EQ(becomes_ready(p.slave), 1);
	CHECK_EQ(read(p.slave, b, 2), 2);
	CHECK_STR(b, "ab");
	CHECK_EQ(read(p.slave, b, 32), 3); /* the rest of the line, no more */
	CHECK(!memcmp(b, "cd\n", 3));
	CHECK_EQ(read(p.slave, b, 32), 7);
	CHECK(!memcmp(b, "second\n", 7));
	drop(&p);
}

TEST(echo_and_output)
{
	struct pty p;

	REQUIRE(make(&p));
	put(p.master, "hi\n");
	CHECK_STR(output(p.master, 4), "hi\r\n"); /* echo, with NL as CR NL */
	put(p.slave, "out\n");
	CHECK_STR(output(p.master, 5), "out\r\n");
	put(p.master, "\001\n"); /* control characters are echoed as ^A */
	CHECK_STR(output(p.master, 4), "^A\r\n");
	drop(&p);
}

TEST(editing)
{
	struct pty p;
	char b[64] = "";
	ssize_t n;

	REQUIRE(make(&p));
	put(p.master, "abx\177c\n");
	n = read(p.slave, b, 64);
	CHECK_EQ(n, 4);
	CHECK(!memcmp(b, "abc\n", 4));
	CHECK_STR(output(p.master, 9), "abx\b \bc\r\n");
	put(p.master, "throw away\025kept\n"); /* ^U */
	n = read(p.slave, b, 64);
	CHECK_EQ(n, 5);
	CHECK(!memcmp(b, "kept\n", 5));
	put(p.master, "one two\027three\n"); /* ^W */
	n = read(p.slave, b, 64);
	CHECK_EQ(n, 10);
	CHECK(!memcmp(b, "one three\n", 10));
	put(p.master, "a\026\003b\n"); /* ^V takes the next character as it is */
	n = read(p.slave, b, 64);
	CHECK_EQ(n, 4);
	CHECK(!memcmp(b, "a\003b\n", 4));
	drop(&p);
}

TEST(end_of_file)
{
	struct pty p;
	char b[16];

	REQUIRE(make(&p));
	put(p.master, "abc\004"); /* pushes the line without a newline */
	CHECK_EQ(read(p.slave, b, 16), 3);
	put(p.master, "\004"); /* alone: end of file */
	CHECK_EQ(read(p.slave, b, 16), 0);
	put(p.master, "more\n"); /* and it goes on */
	CHECK_EQ(read(p.slave, b, 16), 5);
	drop(&p);
}

TEST(carriage_returns)
{
	struct pty p;
	struct termios t;
	char b[16] = "";

	REQUIRE(make(&p));
	put(p.master, "x\r"); /* ICRNL */
	CHECK_EQ(read(p.slave, b, 16), 2);
	CHECK_STR(b, "x\n");
	tcgetattr(p.slave, &t);
	t.c_iflag = IGNCR;
	t.c_lflag &= ~ECHO;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	put(p.master, "a\rb\n");
	memset(b, 0, sizeof(b));
	CHECK_EQ(read(p.slave, b, 16), 3);
	CHECK_STR(b, "ab\n");
	t.c_iflag = INLCR;
	t.c_oflag = 0;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	CHECK_STR(output(p.master, 3), "x\r\n");
	put(p.slave, "raw\n");
	CHECK_STR(output(p.master, 4), "raw\n");
	drop(&p);
}

TEST(raw_mode)
{
	struct pty p;
	char b[16] = "";

	REQUIRE(make(&p));
	raw(p.slave);
	put(p.master, "\003\004x\r");
	CHECK_EQ(read(p.slave, b, 16), 4);
	CHECK(!memcmp(b, "\003\004x\r", 4));
	put(p.slave, "a\nb");
	CHECK_STR(output(p.master, 3), "a\nb");
	CHECK_EQ(ready(p.master), 0); /* nothing was echoed */
	drop(&p);
}

TEST(vmin_and_vtime)
{
	struct pty p;
	struct termios t;
	char b[16];
	int64_t t0;

	REQUIRE(make(&p));
	raw(p.slave);
	tcgetattr(p.slave, &t);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	CHECK_EQ(read(p.slave, b, 16), 0); /* at once */
	t.c_cc[VTIME] = 1;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	t0 = abi_now_ns();
	CHECK_EQ(read(p.slave, b, 16), 0); /* after a tenth of a second */
	CHECK(abi_now_ns() - t0 >= 90000000);
	put(p.master, "z");
	CHECK_EQ(read(p.slave, b, 16), 1);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	put(p.master, "ab");
	CHECK_EQ(fcntl(p.slave, F_SETFL, O_NONBLOCK), 0);
	put(p.master, "c");
	WAIT_UNTIL(queued(p.slave) == 3);
	CHECK_EQ(read(p.slave, b, 16), 3);
	CHECK_ERRNO(read(p.slave, b, 16), EAGAIN);
	drop(&p);
}

TEST(window_size)
{
	struct pty p;
	struct winsize w = { 0 };

	REQUIRE(make(&p));
	CHECK_OK(ioctl(p.slave, TIOCGWINSZ, &w));
	CHECK_EQ(w.ws_row, 0);
	w = (struct winsize){ 24, 80, 1, 2 };
	CHECK_OK(ioctl(p.master, TIOCSWINSZ, &w));
	memset(&w, 0, sizeof(w));
	CHECK_OK(ioctl(p.slave, TIOCGWINSZ, &w));
	CHECK_EQ(w.ws_row, 24);
	CHECK_EQ(w.ws_col, 80);
	CHECK_EQ(w.ws_ypixel, 2);
	CHECK_ERRNO(ioctl(p.slave, TIOCGWINSZ, bad_ptr()), EFAULT);
	CHECK_ERRNO(ioctl(p.slave, 0x54ff, &w), ENOTTY);
	drop(&p);
}

TEST(flush_and_queue_sizes)
{
	struct pty p;

	REQUIRE(make(&p));
	raw(p.slave);
	put(p.master, "12345");
	WAIT_UNTIL(queued(p.slave) == 5);
	CHECK_OK(tcflush(p.slave, TCIFLUSH));
	CHECK_EQ(queued(p.slave), 0);
	CHECK_OK(tcdrain(p.slave));
	CHECK_ERRNO(tcflush(p.slave, 99), EINVAL);
	put(p.master, "67");
	WAIT_UNTIL(queued(p.slave) == 2);
	struct termios t;
	tcgetattr(p.slave, &t);
	CHECK_OK(tcsetattr(p.slave, TCSAFLUSH, &t)); /* drops pending input */
	CHECK_EQ(ready(p.slave), 0);
	drop(&p);
}

TEST(hang_up)
{
	struct pty p;
	struct pollfd f;
	char b[8];

	REQUIRE(make(&p));
	raw(p.slave);
	put(p.slave, "last");
	close(p.slave);
	CHECK_EQ(becomes_ready(p.master), 1);
	CHECK_EQ(read(p.master, b, 8), 4); /* what was written is still there */
	CHECK_ERRNO(read(p.master, b, 8), EIO);
	f = (struct pollfd){ p.master, POLLIN, 0 };
	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents & POLLHUP, POLLHUP);
	p.slave = CHECK_OK(open(p.name, O_RDWR | O_NOCTTY)); /* it can come back */
	CHECK_EQ(poll(&f, 1, 0), 0);
	close(p.master);
	CHECK_EQ(read(p.slave, b, 8), 0);
	CHECK_ERRNO(write(p.slave, b, 1), EIO);
	f.fd = p.slave;
	CHECK_EQ(poll(&f, 1, 0), 1);
	CHECK_EQ(f.revents & POLLHUP, POLLHUP);
	close(p.slave);
}

TEST(long_lines)
{
	struct pty p;
	static char line[5000], back[5000];

	REQUIRE(make(&p));
	struct termios t;
	tcgetattr(p.slave, &t);
	t.c_lflag &= ~ECHO;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	/* a line holds 4095 characters and its end; the rest is dropped */
	memset(line, 'a', sizeof(line));
	fcntl(p.master, F_SETFL, O_NONBLOCK);
	for (size_t at = 0; at < 4999;) {
		ssize_t n = write(p.master, line + at, 4999 - at);

		if (n <= 0)
			break;
		at += n;
	}
	fcntl(p.master, F_SETFL, 0);
	put(p.master, "\n");
	ssize_t n = read(p.slave, back, sizeof(back));
	CHECK_EQ(n, 4096);
	CHECK_EQ(back[4095], '\n');
	drop(&p);
}

/* From a column that nobody counts any more. */
TEST(erased_tab)
{
	struct termios t;
	char b[16] = "";
	struct pty p;

	if (!make(&p))
		SKIP("no pseudo-terminals");
	CHECK_EQ(write(p.master, "a\t", 2), 2);
	CHECK_OK(tcgetattr(p.slave, &t));
	t.c_oflag &= ~OPOST;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &t));
	CHECK_EQ(write(p.master, "\177b\n", 3), 3);
	CHECK_EQ(read(p.slave, b, sizeof(b)), 3);
	CHECK_STR(b, "ab\n");
	drop(&p);
}

TEST(packet_mode)
{
	struct pty p;
	int on = 1, got = -1;
	char *s;

	REQUIRE(make(&p));
	CHECK_OK(ioctl(p.master, TIOCGPKT, &got));
	CHECK_EQ(got, 0);
	CHECK_OK(ioctl(p.master, TIOCPKT, &on));
	CHECK_OK(ioctl(p.master, TIOCGPKT, &got));
	CHECK_EQ(got, 1);
	CHECK_ERRNO(ioctl(p.slave, TIOCGPKT, &got), ENOTTY);
	put(p.slave, "x");
	s = output(p.master, 2);
	CHECK_EQ(s[0], TIOCPKT_DATA);
	CHECK_EQ(s[1], 'x');
	CHECK_OK(tcflush(p.slave, TCIFLUSH));
	s = output(p.master, 1);
	CHECK_EQ(s[0] & TIOCPKT_FLUSHREAD, TIOCPKT_FLUSHREAD);
	drop(&p);
}

TEST(locked_settings)
{
	struct termios lock, t, old;
	struct pty p;

	REQUIRE(make(&p));
	CHECK_OK(ioctl(p.slave, TIOCGLCKTRMIOS, &lock));
	CHECK_EQ(lock.c_lflag, 0);
	CHECK_ERRNO(ioctl(p.slave, TIOCGLCKTRMIOS, bad_ptr()), EFAULT);
	if (!abi_cap(21)) { /* CAP_SYS_ADMIN */
		CHECK_ERRNO(ioctl(p.slave, TIOCSLCKTRMIOS, &lock), EPERM);
	} else {
		CHECK_ERRNO(ioctl(p.slave, TIOCSLCKTRMIOS, bad_ptr()), EFAULT);
		lock.c_lflag = ECHO;
		lock.c_cc[VINTR] = 1;
		CHECK_OK(ioctl(p.slave, TIOCSLCKTRMIOS, &lock));
		CHECK_OK(tcgetattr(p.slave, &old));
		t = old;
		t.c_lflag ^= ECHO | ICANON;
		t.c_cc[VINTR]++;
		t.c_cc[VQUIT]++;
		CHECK_OK(ioctl(p.slave, TCSETS, &t));
		CHECK_OK(tcgetattr(p.slave, &t));
		CHECK_EQ(t.c_lflag, old.c_lflag ^ ICANON);
		CHECK_EQ(t.c_cc[VINTR], old.c_cc[VINTR]);
		CHECK_EQ(t.c_cc[VQUIT], old.c_cc[VQUIT] + 1);
		lock.c_lflag = 0;
		CHECK_OK(ioctl(p.slave, TIOCGLCKTRMIOS, &lock));
		CHECK_EQ(lock.c_lflag, ECHO);
	}
	drop(&p);
}

TEST(not_terminals)
{
	struct termios t;
	int fd = open("/dev/null", O_RDWR);

	CHECK_ERRNO(tcgetattr(fd, &t), ENOTTY);
	CHECK_EQ(isatty(fd), 0);
	CHECK_ERRNO(ioctl(fd, TIOCGWINSZ, &t), ENOTTY);
	CHECK_ERRNO(tcgetpgrp(fd), ENOTTY);
	close(fd);
}
