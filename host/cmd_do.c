/*
 * cmd_do.c - `moat do`: run one program in a sandbox of its own, with the caller's streams.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/channel.h"
#include "host/cmd.h"
#include "host/error.h"
#include "host/memory.h"
#include "host/mount_table.h"
#include "host/platform_choice.h"
#include "host/run.h"
#include "host/size.h"
#include "host/start.h"
#include "host/trace_filter.h"

/* The host's own: never part of the sandbox, which has its own of each. */
static const char *const hidden_names[] = { "proc", "sys", "dev", "run", NULL };

struct options {
	const char *platform, *rootfs, *cwd, *overlay, *control;
	struct mount_table table;
	bool rw, tty, debug;
	unsigned cpus;
	uint64_t memory;
	uint8_t trace[TRACE_FILTER_BYTES];
	bool no_hints, no_dax;
	char **env;
	size_t nenv;
	struct net_options net;
};

enum {
	OPT_PLATFORM = 1,
	OPT_ROOTFS,
	OPT_RW,
	OPT_MOUNT,
	OPT_OVERLAY,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_ENV,
	OPT_CWD,
	OPT_TTY,
	OPT_NET,
	OPT_PUBLISH,
	OPT_PCAP,
	OPT_NET_QUEUES,
	OPT_NET_STATS,
	OPT_TRACE,
	OPT_HINTS,
	OPT_DAX,
	OPT_DEBUG,
	OPT_CONTROL
};

static const struct option long_options[] = {
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "rootfs", required_argument, NULL, OPT_ROOTFS },
	{ "rw", no_argument, NULL, OPT_RW },
	{ "mount", required_argument, NULL, OPT_MOUNT },
	{ "overlay", required_argument, NULL, OPT_OVERLAY },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "env", required_argument, NULL, OPT_ENV },
	{ "cwd", required_argument, NULL, OPT_CWD },
	{ "tty", no_argument, NULL, OPT_TTY },
	{ "net", required_argument, NULL, OPT_NET },
	{ "publish", required_argument, NULL, OPT_PUBLISH },
	{ "pcap", required_argument, NULL, OPT_PCAP },
	{ "net-queues", required_argument, NULL, OPT_NET_QUEUES },
	{ "net-stats", no_argument, NULL, OPT_NET_STATS },
	{ "trace", optional_argument, NULL, OPT_TRACE },
	{ "hints", required_argument, NULL, OPT_HINTS },
	{ "dax", required_argument, NULL, OPT_DAX },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ "control", required_argument, NULL, OPT_CONTROL }, /* for tests: DIR/control.sock */
	{ 0 },
};

static const char help_text[] =
	"  --platform auto|kvm|systrap  how to run it; auto takes kvm where it works\n"
	"  --rootfs DIR                 the file tree; without it the caller's own, read-only,\n"
	"                               without /proc, /sys, /dev and /run\n"
	"  --rw                         changes go to the tree itself, not to memory\n"
	"  --mount type=bind,src=PATH,dst=PATH[,ro]\n"
	"  --mount type=tmpfs,dst=PATH[,size=N][,mode=M][,ro]\n"
	"                               mount a file or directory of the host, or memory; repeatable\n"
	"  --overlay memory[:SIZE]|file:DIR[:SIZE]|none\n"
	"                               where changes of the root go: to memory (default), to files below\n"
	"                               DIR, where the next sandbox with DIR finds them, or nowhere\n"
	"  --cpus N                     CPUs inside (1 to 64; default: as the host)\n"
	"  --memory SIZE                limit, with suffix K, M or G (default: as the host)\n"
	"  --env K=V                    set a variable; repeatable\n"
	"  --cwd DIR                    working directory inside\n"
	"  --tty                        give the program a terminal\n"
	"  --net KIND                   none (default: loopback only), passt, auto (passt if it is\n"
	"                               installed), host-netns:NAME (an interface of that network\n"
	"                               namespace), tap:NAME[,ADDR/PREFIX[,GATEWAY]]; with one, resolv.conf,\n"
	"                               hosts and hostname in /etc are made for it\n"
	"  --publish HOST:GUEST[/udp]   pass a port of the host to one inside; repeatable\n"
	"  --pcap FILE                  write every frame that goes in or out to FILE\n"
	"  --net-queues N               pairs of queues that share the network's flows, each with a\n"
	"                               thread of the host (1 to 4; default 1; passt has one)\n"
	"  --net-stats                  print the network's counters at the end\n"
	"  --trace[=FILTER]             print each system call, signal and end of a process; FILTER is a\n"
	"                               list of calls and families (file, desc, process, memory,\n"
	"                               network, signal, ipc), with ! before it all but these\n"
	"  --hints=off                  say nothing when a program fails that asked for something\n"
	"                               unsupported\n"
	"  --dax=off                    copy programs and libraries into the sandbox's memory, instead of\n"
	"                               sharing the host's page cache with all that use the same files\n"
	"  --debug                      print the Sentry's log\n";

static int bad(struct error *err, const char *what, const char *value, const char *want)
{
	return error_set(err, EINVAL, "%s '%s': %s", what, value, want);
}

static int parse_cpus(struct options *o, const char *value, struct error *err)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || !n || n > SANDBOX_CPUS_MAX)
		return bad(err, "--cpus", value, "give a number from 1 to 64");
	o->cpus = (unsigned)n;
	return 0;
}

static int parse_memory(struct options *o, const char *value, struct error *err)
{
	o->memory = size_parse(value);
	if (!o->memory)
		return bad(err, "--memory", value, "give a size such as 512M");
	if (o->memory < MEMORY_MIN)
		return bad(err, "--memory", value, "too small; at least 16M is needed");
	return 0;
}

static int parse_off(bool *off, const char *name, const char *value, struct error *err)
{
	*off = strcmp(value, "off") == 0;
	return *off || strcmp(value, "on") == 0 ? 0 : bad(err, name, value, "give on or off");
}

static int parse(int argc, char **argv, struct options *o, struct error *err)
{
	int c, ret = 0;

	opterr = 0;
	optind = 1;
	while (ret == 0 && (c = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_PLATFORM: o->platform = optarg; break;
		case OPT_ROOTFS: o->rootfs = optarg; break;
		case OPT_RW: o->rw = true; break;
		case OPT_MOUNT: ret = mount_table_option(&o->table, optarg, err); break;
		case OPT_OVERLAY: o->overlay = optarg; break;
		case OPT_CPUS: ret = parse_cpus(o, optarg, err); break;
		case OPT_MEMORY: ret = parse_memory(o, optarg, err); break;
		case OPT_ENV:
			if (!strchr(optarg, '=') || *optarg == '=')
				return bad(err, "--env", optarg, "give NAME=VALUE");
			o->env[o->nenv++] = optarg;
			break;
		case OPT_CWD:
			if (*optarg != '/')
				return bad(err, "--cwd", optarg, "give an absolute path");
			o->cwd = optarg;
			break;
		case OPT_TTY: o->tty = true; break;
		case OPT_NET: o->net.net = optarg; break;
		case OPT_PUBLISH: ret = net_option_publish(&o->net, optarg, err); break;
		case OPT_PCAP: o->net.pcap = optarg; break;
		case OPT_NET_QUEUES:
			if (net_option_queues(&o->net.queues, optarg, err) < 0)
				return error_wrap(err, "--net-queues");
			break;
		case OPT_NET_STATS: o->net.stats = true; break;
		case OPT_TRACE: ret = trace_filter_parse(o->trace, optarg, err); break;
		case OPT_HINTS: ret = parse_off(&o->no_hints, "--hints", optarg, err); break;
		case OPT_DAX: ret = parse_off(&o->no_dax, "--dax", optarg, err); break;
		case OPT_DEBUG: o->debug = true; break;
		case OPT_CONTROL: o->control = optarg; break;
		case ':':
			return error_set(err, EINVAL, "%s needs a value; see 'moat help do'",
					 argv[optind - 1]);
		default:
			return error_set(err, EINVAL, "unknown option '%s'; see 'moat help do'",
					 argv[optind - 1]);
		}
	}
	if (ret < 0)
		return -1;
	if (optind >= argc)
		return error_set(err, EINVAL, "no program given; usage: %s", cmd_do.usage);
	return 0;
}

static int open_root(const struct options *o, struct error *err)
{
	const char *path = o->rootfs ? o->rootfs : "/";
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return error_errno(err, "--rootfs %s", path);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode)) {
		error_set(err, ENOTDIR, "--rootfs %s: not a directory", path);
	} else if (faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) < 0) {
		error_errno(err, "--rootfs %s", path);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

/* A small environment of our own, then what --env says; the caller's own variables stay outside, but TERM. */
static char **environment(struct options *o)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char root_home[] = "HOME=/root", no_home[] = "HOME=/", host_term[64];
	const char *term = getenv("TERM");
	char **env = calloc(o->nenv + 4, sizeof(*env));
	size_t n = 0;

	if (!env)
		return NULL;
	env[n++] = path;
	env[n++] = getuid() ? no_home : root_home;
	if (o->tty || isatty(1)) {
		snprintf(host_term, sizeof(host_term), "TERM=%s", term ? term : "linux");
		env[n++] = host_term;
	}
	for (size_t i = 0; i < o->nenv; i++) {
		size_t len = (size_t)(strchr(o->env[i], '=') - o->env[i]) + 1, k;

		for (k = 0; k < n && strncmp(env[k], o->env[i], len) != 0; k++)
			;
		env[k] = o->env[i];
		n = k == n ? n + 1 : n;
	}
	return env;
}

/*
 * A stream that the caller closed: its number must not go to a file of ours. The wrong direction of /dev/null answers
 * EBADF, as a closed descriptor does.
 */
static void hold_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
			return; /* then nothing else can be opened either */
}

/* A listening socket in a directory that there is; the first container is called "do". */
static int open_control(const struct options *o, struct run_config *cfg, struct error *err)
{
	int dir;

	cfg->listen_fd = -1;
	if (!o->control)
		return 0;
	dir = open(o->control, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "--control %s", o->control);
	cfg->spec.id = "do";
	cfg->listen_fd = chan_listen(dir, err);
	close(dir);
	return cfg->listen_fd < 0 ? -1 : 0;
}

static void announce(const struct options *o)
{
	const char *changes = ", with changes kept in memory";

	if (!isatty(2))
		return;
	if (o->rw || (o->overlay && !strcmp(o->overlay, "none")))
		changes = "";
	else if (o->overlay && !strncmp(o->overlay, "file:", 5))
		changes = ", with changes kept in files of this host";
	if (!o->rootfs)
		fprintf(stderr,
			"moat: shares this host's files %s%s; not /proc, /sys, /dev, /run\n",
			o->rw ? "WRITABLE" : "read-only", changes);
	else
		fprintf(stderr, "moat: root %s, %s%s\n", o->rootfs,
			o->rw ? "writable" : "read-only", changes);
}

static int run(int argc, char **argv)
{
	struct options o = { .platform = "auto", .env = calloc((size_t)argc, sizeof(char *)) };
	struct run_config cfg = { 0 };
	struct winsize ws = { 0 };
	struct error err = { 0 };
	char cwd[4096];

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return cmd_help.run(2, (char *[]){ "help", "do", NULL });
	clock_sample(&cfg.clock_start);
	hold_streams();
	if (!o.env || mount_table_defaults(&o.table, &err) < 0 || parse(argc, argv, &o, &err) < 0)
		goto fail;
	cfg.root_fd = open_root(&o, &err);
	if (cfg.root_fd < 0 || open_control(&o, &cfg, &err) < 0)
		goto fail;
	announce(&o);
	cfg.platform = platform_choose(o.platform, &err);
	if (!cfg.platform)
		goto fail;
	cfg.hidden = o.rootfs ? NULL : hidden_names;
	cfg.cpus = o.cpus ? o.cpus : sandbox_cpus();
	cfg.debug = o.debug;
	cfg.hints = !o.no_hints;
	cfg.dax = !o.no_dax;
	memcpy(cfg.trace, o.trace, sizeof(cfg.trace));
	cfg.net = o.net;
	cfg.ram_size = ((o.memory ? o.memory : memory_host_total()) + 0x1fffff) & ~0x1fffffULL;
	if (cfg.ram_size > RAM_MAX)
		cfg.ram_size = RAM_MAX;
	cfg.spec.argv = argv + optind;
	cfg.spec.envp = environment(&o);
	/* Without a root of its own the sandbox starts where the caller is. */
	cfg.spec.cwd = o.cwd ? o.cwd : o.rootfs || !getcwd(cwd, sizeof(cwd)) ? "/" : cwd;
	cfg.spec.hostname = "moat";
	cfg.spec.uid = getuid();
	cfg.spec.gid = getgid();
	cfg.spec.caps = cfg.spec.uid == 0 ? (1ULL << 41) - 1 : 0;
	cfg.spec.umask = 022;
	cfg.spec.tty = o.tty;
	if (o.tty && ioctl(0, TIOCGWINSZ, &ws) == 0) {
		cfg.spec.rows = ws.ws_row;
		cfg.spec.cols = ws.ws_col;
	}
	cfg.spec.memory = o.memory ? o.memory : cfg.ram_size;
	cfg.spec.root_rw = o.rw;
	if (mount_table_overlay(&o.table,
				o.overlay ? o.overlay
				: o.rw	  ? "none"
					  : "memory",
				&cfg.spec, cfg.root_fd, &err) < 0)
		goto fail;
	cfg.table = &o.table;
	if (!cfg.spec.envp) {
		error_set(&err, ENOMEM, "out of memory");
		goto fail;
	}
	return sandbox_run(&cfg);
fail:
	fprintf(stderr, "moat: %s\n", err.msg);
	return EXIT_MOAT;
}

const struct command cmd_do = {
	.name = "do",
	.usage =
		"moat do [--platform auto|kvm|systrap] [--rootfs DIR] [--rw] [--mount SPEC] [--overlay KIND] [--cpus N] [--memory SIZE] "
		"[--env K=V] [--cwd DIR] [--tty] [--net KIND] [--publish HOST:GUEST[/udp]] "
		"[--pcap FILE] [--net-queues N] [--net-stats] [--trace[=FILTER]] [--hints=off] [--dax=off] [--debug] -- PROG [ARG...]",
	.summary = "Run PROG in a sandbox; exits with its status (128 + N after signal N).",
	.help = help_text,
	.run = run,
};
