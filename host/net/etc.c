/*
 * etc.c - see etc.h. Name servers: the network's own (passt), else those of /etc/netns/NAME/resolv.conf, else the host's but for
 * those on its loopback, which nobody inside reaches; where that leaves none, systemd-resolved's file names them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/boot.h"
#include "abi/net.h"
#include "host/error.h"
#include "host/mount_table.h"
#include "host/net/etc.h"
#include "host/write_all.h"

#define TEXT_MAX 65536 /* bytes of a file that is read for another */

/* ---- the text ---- */

/* A stream that ends where its descriptor's file does, or NULL. */
static FILE *open_text(int fd)
{
	struct stat st;
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= TEXT_MAX ? fdopen(fd, "r")
										 : NULL;
	if (!f)
		close(fd);
	return f;
}

static FILE *open_host(const char *path)
{
	return open_text(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

static int open_in_root(int root_fd, const char *path, int flags)
{
	const struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

static bool is_loopback(const char *address)
{
	return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

/* The lines of a resolv.conf; its name servers only if they are wanted and not on the loopback. How many of these. */
static int copy_resolver(FILE *to, FILE *from, bool servers)
{
	char line[1024], address[64];
	int n = 0;

	while (fgets(line, sizeof(line), from)) {
		if (sscanf(line, " nameserver %63s", address) == 1) {
			if (!servers || is_loopback(address))
				continue;
			n++;
		}
		fputs(line, to);
	}
	fclose(from);
	return n;
}

static void write_resolver(FILE *to, const struct net_etc *e)
{
	char path[300], text[INET6_ADDRSTRLEN];
	const struct net_config *c = e->config;
	FILE *from = NULL;
	int n;

	for (unsigned i = 0; i < c->ndns; i++)
		fprintf(to, "nameserver %s\n",
			inet_ntop(c->dns[i].family == 4 ? AF_INET : AF_INET6, c->dns[i].addr, text,
				  sizeof(text)));
	if (e->netns && !strchr(e->netns, '/') &&
	    snprintf(path, sizeof(path), "/etc/netns/%s/resolv.conf", e->netns) < (int)sizeof(path))
		from = open_host(path);
	if (!from)
		from = open_host("/etc/resolv.conf");
	n = from ? copy_resolver(to, from, !c->ndns) : 0;
	from = n || c->ndns ? NULL : open_host("/run/systemd/resolve/resolv.conf");
	if (from)
		copy_resolver(to, from, true);
}

/* The root's own, and the sandbox's name. */
static void write_hosts(FILE *to, const struct net_etc *e)
{
	FILE *from = open_text(open_in_root(e->root_fd, "etc/hosts", O_RDONLY | O_NONBLOCK));
	const struct net_config *c = e->config;
	char line[1024], text[INET6_ADDRSTRLEN];
	bool ended = true;

	if (!from)
		fputs("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", to);
	while (from && fgets(line, sizeof(line), from)) {
		fputs(line, to);
		ended = strchr(line, '\n') != NULL;
	}
	if (from)
		fclose(from);
	if (!ended)
		fputc('\n', to);
	for (unsigned i = 0; i < c->naddrs; i++)
		if (c->addrs[i].family == 4 || !c->addrs[i].scope)
			fprintf(to, "%s\t%s\n",
				inet_ntop(c->addrs[i].family == 4 ? AF_INET : AF_INET6,
					  c->addrs[i].addr, text, sizeof(text)),
				e->hostname);
}

static void write_hostname(FILE *to, const struct net_etc *e)
{
	fprintf(to, "%s\n", e->hostname);
}

/* ---- the files ---- */

static const struct etc_file {
	const char *path;
	void (*write)(FILE *to, const struct net_etc *e);
} files[] = {
	{ "/etc/resolv.conf", write_resolver },
	{ "/etc/hosts", write_hosts },
	{ "/etc/hostname", write_hostname },
};

/* Does the user mount something there, or is it not to be made? */
static bool is_left(const struct net_etc *e, const struct mount_table *t, const char *path)
{
	int fd;

	for (unsigned i = 0; i < t->nmounts; i++)
		if (!strcmp(t->mounts[i].destination, path) ||
		    !strcmp(t->mounts[i].destination, "/etc"))
			return true;
	if (!e->root_rw)
		return false;
	fd = open_in_root(e->root_fd, path + 1, O_PATH);
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

/* Its descriptor, or -1. */
static int make_file(const struct etc_file *f, const struct net_etc *e, struct error *err)
{
	int fd = memfd_create(strrchr(f->path, '/') + 1, MFD_CLOEXEC);
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (to) {
		f->write(to, e);
		fclose(to);
	}
	if (!to || !text || fd < 0 || fchmod(fd, 0644) < 0 || write_all(fd, text, len) < 0) {
		error_errno(err, "%s", f->path);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(text);
	return fd;
}

int net_etc_mount(const struct net_etc *e, struct mount_table *t, struct error *err)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct mount_spec m = { .destination = files[i].path,
					.type = "bind",
					.source = files[i].path,
					.options = BOOT_MOUNT_OPTIONAL | BOOT_MOUNT_FILE };
		int fd;

		if (is_left(e, t, files[i].path))
			continue;
		fd = make_file(&files[i], e, err);
		if (fd < 0 || mount_table_export(t, fd, false, &m, err) < 0)
			return -1;
	}
	return 0;
}
