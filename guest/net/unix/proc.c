/*
 * proc.c - /proc/net/unix: a line for each socket, as ss(8) and netstat(8) read it.
 */
#include "fs/seq.h"
#include "net/unix/unix.h"

#define LISTENS 0x10000 /* __SO_ACCEPTCON */

/* As enum socket_state of Linux: unconnected 1, connected 3. */
static unsigned state_of(const struct unix_sock *u)
{
	return u->state == UNIX_CONNECTED ? 3 : 1;
}

/* Abstract names begin with @, as do the NULs inside of them. unix_lock held. */
static void show_name(struct seq *s, const struct sock_addr *a)
{
	u32 end = a->len;

	if (a->raw[SUN_PATH_OFFSET])
		end--; /* the NUL */
	seq_putc(s, ' ');
	for (u32 k = SUN_PATH_OFFSET; k < end; k++)
		seq_putc(s, a->raw[k] ? (char)a->raw[k] : '@');
}

int unix_proc_show(struct seq *s, void *arg)
{
	struct unix_sock *u;

	seq_puts(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	spin_lock(&unix_lock);
	list_for_each(u, &unix_all, all_node) {
		if (u->s.net != arg)
			continue;
		seq_printf(s, "%016llx: %08X %08X %08X %04X %02X %5llu",
			   0ULL, /* Linux shows an address to the privileged only */
			   u->s.ref.n + 1, 0, u->state == UNIX_LISTENING ? LISTENS : 0, u->s.type,
			   state_of(u), (unsigned long long)sock_ino(&u->s));
		if (u->addr)
			show_name(s, &u->addr->a);
		seq_putc(s, '\n');
	}
	spin_unlock(&unix_lock);
	return 0;
}
