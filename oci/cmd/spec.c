/*
 * spec.c - `moat spec`: a config.json to start from; `moat features`: what this runtime understands (features.md of the
 * specification); `moat checkpoint` and `moat restore`, which say that they are not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cmd.h"
#include "host/write_all.h"
#include "oci/client.h"
#include "oci/oci.h"

#define CAPS "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]"

static const char template[] =
	"{\n"
	"	\"ociVersion\": \"1.2.0\",\n"
	"	\"process\": {\n"
	"		\"terminal\": true,\n"
	"		\"user\": { \"uid\": 0, \"gid\": 0 },\n"
	"		\"args\": [\"sh\"],\n"
	"		\"env\": [\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\", \"TERM=xterm\"],\n"
	"		\"cwd\": \"/\",\n"
	"		\"capabilities\": {\n"
	"			\"bounding\": " CAPS ",\n"
	"			\"effective\": " CAPS ",\n"
	"			\"permitted\": " CAPS "\n"
	"		},\n"
	"		\"rlimits\": [{ \"type\": \"RLIMIT_NOFILE\", \"soft\": 1024, \"hard\": 1024 }],\n"
	"		\"noNewPrivileges\": true\n"
	"	},\n"
	"	\"root\": { \"path\": \"rootfs\", \"readonly\": true },\n"
	"	\"hostname\": \"moat\",\n"
	"	\"mounts\": [\n"
	"		{ \"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\" },\n"
	"		{ \"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\", \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"] },\n"
	"		{ \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\", \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\", \"gid=5\"] },\n"
	"		{ \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\", \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"] },\n"
	"		{ \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\", \"options\": [\"nosuid\", \"noexec\", \"nodev\"] },\n"
	"		{ \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\", \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"] },\n"
	"		{ \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\", \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"] }\n"
	"	],\n"
	"	\"linux\": {\n"
	"		\"namespaces\": [\n"
	"			{ \"type\": \"pid\" }, { \"type\": \"network\" }, { \"type\": \"ipc\" }, { \"type\": \"uts\" }, { \"type\": \"mount\" }, { \"type\": \"cgroup\" }\n"
	"		],\n"
	"		\"maskedPaths\": [\"/proc/kcore\", \"/proc/keys\", \"/proc/timer_list\", \"/sys/firmware\"],\n"
	"		\"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\", \"/proc/sysrq-trigger\"]\n"
	"	}\n"
	"}\n";

static int spec(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bundle", required_argument, NULL, 'b' },
		{ "rootless", no_argument, NULL, 'r' },
		{ 0 },
	};
	struct error err = { 0 };
	int o, fd;

	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, "+b:", options, NULL)) != -1) {
		if (o == 'b' && chdir(optarg) < 0) {
			error_errno(&err, "--bundle %s", optarg);
			return oci_fail(&err);
		}
		if (o == '?') {
			error_set(&err, EINVAL, "spec: unknown option %s", argv[optind - 1]);
			return oci_fail(&err);
		}
	}
	if (no_operands(argc, argv, optind, &err) < 0)
		return oci_fail(&err);
	fd = open("config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write_all(fd, template, sizeof(template) - 1) < 0) {
		error_errno(&err, "config.json");
		return oci_fail(&err);
	}
	return close(fd) == 0 ? 0 : 1;
}

static int features(int argc, char **argv)
{
	struct error err = { 0 };

	if (no_operands(argc, argv, 1, &err) < 0)
		return oci_fail(&err);
	puts("{\n"
	     "  \"ociVersionMin\": \"1.0.0\",\n"
	     "  \"ociVersionMax\": \"1.2.0\",\n"
	     "  \"hooks\": [\"prestart\", \"createRuntime\", \"createContainer\", \"startContainer\", \"poststart\", \"poststop\"],\n"
	     "  \"mountOptions\": [\"bind\", \"rbind\", \"ro\", \"rw\", \"nosuid\", \"suid\", \"nodev\", \"dev\", \"noexec\", \"exec\",\n"
	     "    \"noatime\", \"relatime\", \"strictatime\", \"private\", \"rprivate\", \"slave\", \"rslave\", \"shared\", \"rshared\"],\n"
	     "  \"linux\": {\n"
	     "    \"namespaces\": [\"pid\", \"network\", \"mount\", \"ipc\", \"uts\", \"user\", \"cgroup\", \"time\"],\n"
	     "    \"cgroup\": { \"v1\": true, \"v2\": true, \"systemd\": false, \"systemdUser\": false, \"rdma\": false },\n"
	     "    \"seccomp\": { \"enabled\": true },\n"
	     "    \"apparmor\": { \"enabled\": true },\n"
	     "    \"selinux\": { \"enabled\": true },\n"
	     "    \"intelRdt\": { \"enabled\": false },\n"
	     "    \"mountExtensions\": { \"idmap\": { \"enabled\": false } }\n"
	     "  },\n"
	     "  \"annotations\": { \"dev.moat.version\": \"" MOAT_VERSION
	     "\", \"dev.moat.checkpoint\": \"false\" }\n"
	     "}");
	return 0;
}

static int not_there(int argc, char **argv)
{
	struct error err = { 0 };

	(void)argc;
	error_set(&err, ENOTSUP, "%s: moat cannot checkpoint and restore containers yet", argv[0]);
	return oci_fail(&err);
}

const struct command cmd_spec = {
	.name = "spec",
	.usage = "moat spec [--bundle DIR]",
	.summary = "Write a config.json to start from.",
	.run = spec,
};

const struct command cmd_features = {
	.name = "features",
	.usage = "moat features",
	.summary = "Print what this runtime understands, as JSON.",
	.run = features,
};

const struct command cmd_checkpoint = {
	.name = "checkpoint",
	.usage = "moat checkpoint ID",
	.summary = "Not there yet.",
	.run = not_there,
};

const struct command cmd_restore = {
	.name = "restore",
	.usage = "moat restore ID",
	.summary = "Not there yet.",
	.run = not_there,
};
