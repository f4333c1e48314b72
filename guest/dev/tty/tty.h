/*
 * tty.h - terminals: the line discipline, job control, pseudo terminals, the console.
 *
 * A tty has a driver below it (a pty's master side, or the console streams) and open files above it. ldisc_in.c turns
 * arriving bytes into readable input, echo and signals; ldisc_out.c post-processes what is written; job.c holds sessions
 * and foreground groups; file.c and ioctl.c are the file operations.
 *
 * Locks: tty->lock (spinlock: everything in struct tty but the session fields) is held while the driver's output is
 * called. sid and pgid are guarded by task_lock, like the processes' ctty, which points here without a reference: the
 * last release clears it in all processes. Signals are sent with neither held.
 */
#ifndef MOAT_DEV_TTY_TTY_H
#define MOAT_DEV_TTY_TTY_H

#include "dev/tty/termios.h"
#include "fs/file.h"
#include "lib/atomic.h"

#define TTY_INPUT  4096 /* bytes of input; a canonical line has one less */
#define PTS_MAJOR  136
#define TTY_OUTPUT 8192 /* what a pty's master has not read yet */

struct process;
struct stream;
struct tty;

struct tty_driver {
	/* Room for output, in bytes; then put that takes them. tty->lock held. */
	size_t (*room)(struct tty *t);
	void (*put)(struct tty *t, const u8 *data, size_t n);
	/* The application took input: more may come. No lock held. May be NULL. */
	void (*unthrottle)(struct tty *t);
	void (*free)(struct tty *t); /* the last reference is gone; NULL: of a pty */
};

struct tty {
	struct ref ref;
	struct spinlock lock;
	const struct tty_driver *driver;
	u32 rdev;
	int index;			/* N of /dev/pts/N; -1: it has no such name */
	struct termios2 termios, locks; /* locks: bits that set_termios may not change */
	struct winsize winsize;
	bool stopped; /* by VSTOP */
	bool hung_up; /* the other side is gone for good */
	bool ended;   /* nothing will arrive any more: what is there, then end of file */
	bool exclusive;
	unsigned opens; /* open files of this side */
	bool locked;	/* pty: TIOCSPTLCK */

	/* input: bytes in[tail..head); canonical mode gives out only up to `lines` */
	u8 in[TTY_INPUT];
	u8 mark[TTY_INPUT / 8]; /* the byte ends a line (newline, EOL, or the place of an EOF) */
	u32 tail, ready, head;	/* ready: behind the last complete line */
	bool literal;		/* the next byte is quoted (VLNEXT) */
	unsigned column, canon_column; /* of the output; where the line being edited began */

	struct waitq q;	 /* readers, writers, pollers of this side */
	struct pty *pty; /* NULL for a console */

	int sid, pgid; /* 0: none */
};

void tty_init(struct tty *t, const struct tty_driver *d, u32 rdev, int index);
void tty_put(struct tty *t);

/* ---- ldisc_in.c ---- */
/*
 * Bytes from the wire. Signals they cause are sent after the lock is dropped. Returns how many were taken: less than n
 * when input is full (canonical mode takes and drops). From any context.
 */
size_t tty_receive(struct tty *t, const u8 *data, size_t n);
/* The wire gives no more bytes, but takes them: readers get what is there, a started line too, then end of file. */
void tty_end_input(struct tty *t);
/* Move readable bytes to buf; canonical mode stops behind a line, and *end says so. How many. lock held. */
size_t tty_take(struct tty *t, u8 *buf, size_t n, bool *end);
/* Is a read going to give something (or end of file)? lock held. */
bool tty_readable(const struct tty *t);
size_t tty_input_count(const struct tty *t);
/* Is there room for another byte from the wire? lock held. */
bool tty_takes_input(const struct tty *t);
void tty_flush_input(struct tty *t);		     /* lock held */
void tty_mode_changed(struct tty *t, u32 old_lflag); /* lock held */

/* ---- ldisc_out.c ---- */
/* Post-process and queue; how many bytes of data were taken. lock held. */
size_t tty_output(struct tty *t, const u8 *data, size_t n);
/* One byte of echo; dropped when there is no room. lock held. */
void tty_echo(struct tty *t, u8 c);

/* ---- job.c ---- */
/* The current process does something (signo: SIGTTIN or SIGTTOU) that only the foreground may: 0, -EIO, -ERESTARTSYS. */
int tty_job_control(struct tty *t, int signo);
s64 tty_job_ioctl(struct tty *t, unsigned cmd, u64 arg, bool readable);
/* A session leader without a terminal opened t: it becomes the controlling one. */
void tty_open_ctty(struct tty *t);
/* The session leader p ends or gives the terminal up. */
void tty_disassociate(struct process *p);
/* The line dropped (master closed): SIGHUP and SIGCONT to the session, input ends. */
void tty_hangup(struct tty *t);
/* Forget t in every process; before it is freed. */
void tty_forget(struct tty *t);
/* The current process's controlling terminal with a reference, or NULL. */
struct tty *tty_controlling(void);
void tty_signal_foreground(struct tty *t, int signo);

/* ---- procinfo.c ---- */
void tty_proc_info(struct process *p, u32 *rdev, int *pgid); /* proc_tty of fs/procfs.h */

/* ---- file.c, ioctl.c ---- */
extern const struct file_ops tty_fops;
int tty_open(struct tty *t, struct file *f); /* takes its own reference */
s64 tty_ioctl(struct file *f, unsigned cmd, u64 arg);
/* The calls that work on both sides of a pty: termios, window size. -ENOIOCTLCMD: not one of them. */
s64 tty_common_ioctl(struct tty *t, unsigned cmd, u64 arg, bool master);
#define ENOIOCTLCMD 515

/* ---- pty.c ---- */
/* Tell a master in packet mode (TIOCPKT_* bits). No effect on others. lock held. */
void pty_status(struct tty *t, u8 status);
#define TIOCPKT_FLUSHREAD  1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP	   4
#define TIOCPKT_START	   8
#define TIOCPKT_NOSTOP	   16
#define TIOCPKT_DOSTOP	   32
int ptmx_open(struct inode *i, struct file *f);
struct tty *pts_find(int index); /* with a reference */
/* Give t the lowest free number and its device number; until its last reference is gone. -ENOSPC. */
int pts_register(struct tty *t);
/* Its node in devpts comes and goes. */
void pts_show(struct tty *t, u32 uid, u32 gid);
void pts_hide(struct tty *t);
void pty_set_devpts(void (*added)(int index, u32 uid, u32 gid), void (*removed)(int index));

/* ---- console_tty.c: a terminal whose wire is two streams of the host ---- */
struct console_size {
	u16 rows, cols;
};
/* One reference; takes its own of the streams. With a number of its own, to be shown. ERR_PTR(-ENOMEM, -ENOSPC). */
struct tty *console_create(struct stream *in, struct stream *out, struct console_size size);
/* An open file of it that no path leads to; ERR_PTR. */
struct file *console_file(struct tty *t);
/* What the user's terminal does to the programs before it: SIGHUP is its end. */
void console_signal(struct tty *t, int signo);
void console_winsize(struct tty *t, struct console_size size);
/* Its user is gone: hang up and leave the streams alone. From a task; the console's maker does it before its tty_put. */
void console_close(struct tty *t);
/* Sleep until the host has its output or takes no more; at most until the deadline. From a task. */
void console_drain(struct tty *t, u64 deadline);

#endif
