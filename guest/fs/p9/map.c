/*
 * map.c - windows of 9P's files: a program or library that is mapped shows the host's page cache instead of a copy.
 *
 * Any regular file gets one when it is mapped, as long as nothing here has it open for writing; the first such open takes
 * it away again, and the file's pages are read into frames as before. So nothing that this sandbox changes is ever seen
 * through a window. What the host changes is seen at once, as through a mapping on the host; a file that it cuts short is
 * SIGBUS beyond the new end.
 *
 * client->map_lock (mutex) makes one window of a connection after the other; what it takes inside is what a fid takes,
 * arrival_lock, and mm->lock by dax_attach. arrival_lock (mutex) is never held while a server works, so that a slow one holds
 * up its own files alone. The server's refusal of one file is kept with the inode, of all with the connection.
 */
#include "abi/dax.h"
#include "fs/p9/p9.h"
#include "lib/random.h"
#include "mm/dax.h"
#include "platform/platform.h"

static struct mutex arrival_lock = MUTEX_INIT(arrival_lock);

static int p9_map(struct p9_client *c, u32 fid, u64 cookie, const struct dax_window *w)
{
	struct p9_req *r = p9_begin(c, P9_TMAP);
	int err;

	if (IS_ERR(r))
		return (int)PTR_ERR(r);
	p9_put32(&r->out, fid);
	p9_put64(&r->out, cookie);
	p9_put64(&r->out, w->base);
	p9_put64(&r->out, w->pages << PAGE_SHIFT);
	err = p9_call(r);
	if (!err) {
		p9_get64(&r->in);
		err = r->in.bad ? -EPROTO : 0;
	}
	p9_end(r);
	return err;
}

/* Have the host map i's file at w. 0 or -errno. */
static int fill_window(struct inode *i, struct dax_window *w)
{
	u64 cookie = random_u64() | 1; /* 0 has a meaning of its own */
	u32 fid;
	int err = p9_fid_get(p9_i(i), P9_FID_READ, &fid);

	if (err)
		return err;
	err = p9_map(p9_s(i)->c, fid, cookie, w);
	p9_fid_put(p9_i(i), P9_FID_READ);
	if (err)
		return err;
	mutex_lock(&arrival_lock);
	w->mapped = !platform_dax_map(w->base, w->pages << PAGE_SHIFT, cookie);
	mutex_unlock(&arrival_lock);
	/* The host had no descriptor left for it, perhaps: another time. */
	return w->mapped ? 0 : -EAGAIN;
}

static bool wanted(struct inode *i)
{
	struct p9_client *c = p9_s(i)->c;

	return platform_dax_size() && c->moat && !platform_dax_refused && !c->no_map && !c->dead &&
	       !inode_marked(i, P9_NO_MAP) && !READ_ONCE(i->pc->dax) && READ_ONCE(i->pc->size) &&
	       atomic_load(&i->writecount) <= 0 && !READ_ONCE(i->pc->nr_dirty) && random_ready();
}

void p9_open_window(struct pagecache *pc)
{
	struct inode *i = pc->owner;
	struct p9_client *c = p9_s(i)->c;
	struct dax_window *w;
	int err = -ENOMEM;

	if (!wanted(i))
		return;
	mutex_lock(&c->map_lock);
	if (!wanted(i))
		goto out;
	w = dax_reserve(READ_ONCE(pc->size));
	if (w)
		err = fill_window(i, w);
	if (err) {
		if (w)
			dax_put(w);
		if (err != -ENOMEM && err != -EAGAIN)
			inode_mark(i, P9_NO_MAP);
		c->no_map = err == -EOPNOTSUPP;
		goto out;
	}
	dax_attach(pc, w);
	/* Opened for writing meanwhile: either that open has seen the window, or we see the writer here. */
	if (atomic_load(&i->writecount) > 0)
		dax_detach(pc);
out:
	mutex_unlock(&c->map_lock);
}

void p9_close_window(struct inode *i)
{
	if (inode_pc(i))
		dax_detach(i->pc);
}
