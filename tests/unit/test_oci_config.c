// sources: oci/pool.c oci/reader.c oci/config_fields.c oci/config_check.c oci/names.c host/error.c
// libs: -ljansson -lcap
/*
 * test_oci_config.c - config.json: a full one is read to the last member; each kind of fault gets a line that names the
 * place; texts damaged at random neither crash nor leak.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/config.h"
#include "oci/names.h"

#define CHECK(cond)                                                                          \
	do {                                                                                 \
		if (!(cond)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

static const char full[] =
	"{ \"ociVersion\": \"1.2.0\", \"unknown\": [1, {\"x\": null}],"
	"  \"process\": { \"terminal\": true, \"consoleSize\": { \"height\": 24, \"width\": 80 },"
	"    \"user\": { \"uid\": 1000, \"gid\": 100, \"umask\": 18, \"additionalGids\": [5, 6] },"
	"    \"args\": [\"sh\", \"-c\", \"echo \\\"18446744073709551615\\\"\"], \"env\": [\"A=b\", \"E=\"], \"cwd\": \"/tmp\","
	"    \"capabilities\": { \"bounding\": [\"CAP_KILL\"], \"effective\": [] },"
	"    \"rlimits\": [{ \"type\": \"RLIMIT_NOFILE\", \"soft\": 1024, \"hard\": 4096 },"
	"      { \"type\": \"RLIMIT_CORE\", \"soft\": 0, \"hard\": 18446744073709551615 }],"
	"    \"noNewPrivileges\": true, \"oomScoreAdj\": -5 },"
	"  \"root\": { \"path\": \"rootfs\", \"readonly\": true }, \"hostname\": \"h\","
	"  \"mounts\": [{ \"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\" },"
	"    { \"destination\": \"/v\", \"source\": \"/srv\", \"options\": [\"rbind\", \"ro\"] }],"
	"  \"hooks\": { \"poststop\": [{ \"path\": \"/bin/true\", \"timeout\": 3 }] },"
	"  \"annotations\": { \"a.b\": \"c\", \"\": \"empty key\" },"
	"  \"linux\": { \"namespaces\": [{ \"type\": \"uts\" }, { \"type\": \"network\", \"path\": \"/run/netns/x\" }],"
	"    \"cgroupsPath\": \"/a/b\", \"maskedPaths\": [\"/proc/kcore\"],"
	"    \"resources\": { \"memory\": { \"limit\": 67108864, \"swap\": -1 }, \"pids\": { \"limit\": 50 },"
	"      \"unified\": { \"memory.high\": \"1\" } },"
	"    \"seccomp\": { \"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, \"syscalls\": [{ \"names\": [\"clone\"],"
	"      \"action\": \"SCMP_ACT_ALLOW\", \"args\": [{ \"index\": 0, \"value\": 18446744073709551104, \"op\": \"SCMP_CMP_EQ\" }] }] } } }";

static int parse(const char *text, size_t len, struct oci_config *c, struct error *err)
{
	struct pool pool = POOL_INIT;
	int ret = oci_config_parse("config.json", text, len, c, &pool, err);

	pool_free(&pool);
	return ret;
}

static void read_all(void)
{
	struct pool pool = POOL_INIT;
	struct oci_config c;
	struct error err = { 0 };

	if (oci_config_parse("config.json", full, strlen(full), &c, &pool, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	CHECK(c.process->terminal && c.process->console.width == 80 &&
	      c.process->console.height == 24);
	CHECK(c.process->user.uid == 1000 && c.process->user.gid == 100);
	CHECK(c.process->user.umask.set && c.process->user.umask.value == 022);
	CHECK(c.process->user.groups.n == 2 && c.process->user.groups.items[1] == 6);
	CHECK(strcmp(c.process->args[2], "echo \"18446744073709551615\"") == 0 &&
	      !c.process->args[3]);
	CHECK(strcmp(c.process->env[1], "E=") == 0 && strcmp(c.process->cwd, "/tmp") == 0);
	CHECK(capability_number(c.process->caps->bounding[0]) == 5 &&
	      !c.process->caps->effective[0]);
	CHECK(!c.process->caps->ambient && c.process->no_new_privileges);
	CHECK(c.process->rlimits.n == 2 && c.process->rlimits.items[1].hard == -1);
	CHECK(c.process->oom_score_adj.set && c.process->oom_score_adj.value == -5);
	CHECK(strcmp(c.root->path, "rootfs") == 0 && c.root->readonly);
	CHECK(c.mounts.n == 2 && strcmp(c.mounts.items[1].options[1], "ro") == 0);
	CHECK(c.hooks.kind[HOOK_POSTSTOP].n == 1 &&
	      c.hooks.kind[HOOK_POSTSTOP].items[0].timeout.value == 3);
	CHECK(c.hooks.kind[HOOK_PRESTART].n == 0);
	CHECK(strcmp(oci_annotation(&c, "a.b"), "c") == 0 && !oci_annotation(&c, "a"));
	CHECK(strcmp(oci_namespace(&c, OCI_NS_NETWORK)->path, "/run/netns/x") == 0);
	CHECK(oci_namespace(&c, OCI_NS_UTS) && !oci_namespace(&c, OCI_NS_UTS)->path);
	CHECK(!oci_namespace(&c, OCI_NS_PID));
	CHECK(c.linux_.resources.memory.limit.value == 64 << 20);
	CHECK(c.linux_.resources.memory.swap.set && c.linux_.resources.memory.swap.value == -1);
	CHECK(!c.linux_.resources.memory.reservation.set && c.linux_.resources.unified.n == 1);
	CHECK((uint64_t)c.linux_.seccomp->rules.items[0].args.items[0].value ==
	      18446744073709551104u);
	pool_free(&pool);
}

/* What follows ociVersion, and what must be said about it; NULL: nothing. */
static const struct {
	const char *rest, *complaint;
} cases[] = {
	{ "\"root\": {\"path\": \"r\"}", NULL },
	{ "\"root\": {\"path\": \"r\"}, \"process\": null, \"linux\": null", NULL },
	{ "\"root\": 1", "config.json: root: is a number, must be an object" },
	{ "\"root\": {}", "root.path: is missing" },
	{ "\"root\": {\"path\": \"\"}", "root.path: is empty" },
	{ "\"hostname\": \"h\"", "root: is missing" },
	{ "\"root\": {\"path\": \"r\"}, \"hostname\": \"h\"", "hostname: needs a namespace" },
	{ "\"root\": {\"path\": \"r\"}, \"linux\": {\"namespaces\": [{\"type\": \"uts\"}]}, \"hostname\": "
	  "\"0123456789012345678901234567890123456789012345678901234567890123x\"",
	  "hostname: has 65 bytes, must have at most 64" },
	{ "\"process\": {\"cwd\": \"/\"}", "process.args: is missing" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": []}", "process.args: is empty" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"\"]}", "process.args[0]: is empty" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"a\", 2]}",
	  "process.args[1]: is a number, must be a string" },
	{ "\"process\": {\"cwd\": \"x\", \"args\": [\"a\"]}",
	  "process.cwd: must be an absolute path" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"env\": [\"A\"]}",
	  "process.env[0]: 'A' has no '='" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"user\": {\"uid\": 4294967295}}",
	  "process.user.uid: is 4294967295, must be from 0 to 4294967294" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"rlimits\": [{\"type\": \"RLIMIT_X\", \"soft\": 1, \"hard\": 1}]}",
	  "process.rlimits[0].type: 'RLIMIT_X' is unknown" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"rlimits\": [{\"type\": \"RLIMIT_AS\", \"soft\": 2, \"hard\": 1}]}",
	  "soft is above hard" },
	{ "\"process\": {\"cwd\": \"/\", \"args\": [\"a\"], \"terminal\": 1}",
	  "process.terminal: is a number" },
	{ "\"linux\": {\"namespaces\": [{\"type\": \"pod\"}]}",
	  "linux.namespaces[0].type: is 'pod', must be pid, network" },
	{ "\"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"pid\"}]}",
	  "namespaces[1].type: is there twice" },
	{ "\"linux\": {\"resources\": {\"memory\": {\"limit\": 1.5}}}",
	  "linux.resources.memory.limit: is a number with a fraction" },
	{ "\"linux\": {\"resources\": {\"memory\": {\"limit\": 18446744073709551616}}}",
	  "too big integer" },
	{ "\"linux\": {\"sysctl\": {\"../x\": \"1\"}}", "linux.sysctl: '../x' is no name" },
	{ "\"linux\": {\"sysctl\": {\"vm.swappiness\": \"1\"}}",
	  "linux.sysctl: vm.swappiness is not in a namespace of the container's" },
	{ "\"linux\": {\"sysctl\": {\"net.core.somaxconn\": \"1\"}}",
	  "linux.sysctl: net.core.somaxconn is not in a namespace of the container's" },
	{ "\"linux\": {\"personality\": {\"domain\": \"LINUX32\"}}",
	  "linux.personality.domain: 'LINUX32' is not in a sandbox" },
	{ "\"linux\": {\"timeOffsets\": {\"monotonic\": {\"secs\": 5}}}",
	  "linux.timeOffsets: clocks of a container's own are not in a sandbox" },
	{ "\"linux\": {\"timeOffsets\": {\"boottime\": {\"nanosecs\": -1}}}", "nanosecs" },
	{ "\"linux\": {\"devices\": [{\"type\": \"q\", \"path\": \"/dev/q\"}]}",
	  "linux.devices[0].type" },
	{ "\"annotations\": {\"k\": 1}", "annotations.k: is a number, must be a string" },
	{ "\"annotations\": {\"dev.moat.dax\": \"no\"}",
	  "annotations.dev.moat.dax: is 'no', must be on or off" },
	{ "\"annotations\": {\"dev.moat.net-queues\": \"5\"}",
	  "annotations.dev.moat.net-queues: is '5', must be 1 to 4" },
	{ "\"mounts\": [{\"destination\": \"/a\", \"uidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1}]}]",
	  "idmapped mounts are not supported" },
	{ "\"mounts\": {}", "mounts: is an object, must be an array" },
	{ "\"mounts\": [", "line 1, column" },
};

static void complaints(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[512];
		struct oci_config c;
		struct error err = { 0 };
		int ret;

		snprintf(text, sizeof(text), "{\"ociVersion\": \"1.0.2-dev\", %s}", cases[i].rest);
		ret = parse(text, strlen(text), &c, &err);
		if (cases[i].complaint ? ret == 0 || !strstr(err.msg, cases[i].complaint)
				       : ret < 0) {
			fprintf(stderr, "%s\n  said: %s\n  not:  %s\n", text,
				ret ? err.msg : "nothing",
				cases[i].complaint ? cases[i].complaint : "nothing");
			exit(1);
		}
	}
}

static void damaged(void)
{
	char text[sizeof(full)];
	struct oci_config c;
	struct error err;
	unsigned good = 0;

	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = sizeof(full) - 1;

		memcpy(text, full, sizeof(full));
		for (int k = rand() % 4; k >= 0 && len; k--) {
			size_t at = (size_t)rand() % len;

			switch (rand() % 4) {
			case 0: text[at] = (char)rand(); break;
			case 1: text[at] = "{}[]\",:0-9"[rand() % 10]; break;
			case 2:
				memmove(text + at, text + at + 1, len - at - 1);
				len--;
				break;
			default: len = at ? at : 1; break;
			}
		}
		memset(&err, 0, sizeof(err));
		if (parse(text, len, &c, &err) == 0)
			good++;
		else
			CHECK(err.msg[0]);
	}
	CHECK(good > 100 && good < 19000);
}

static void names(void)
{
	CHECK(signal_number("15") == 15 && signal_number("TERM") == 15 &&
	      signal_number("sigterm") == 15);
	CHECK(signal_number("RTMIN+1") == 35 && signal_number("SIGRTMAX") == 64 &&
	      signal_number("RTMAX-1") == 63);
	CHECK(signal_number("0") == 0 && signal_number("65") < 0 && signal_number("NOPE") < 0 &&
	      signal_number("9x") < 0 && signal_number("-1") < 0);
	CHECK(signal_number("") < 0 && signal_number("RTMIN+99") < 0);
	CHECK(rlimit_number("RLIMIT_NOFILE") == 7 && rlimit_number("NOFILE") < 0);
	CHECK(capability_number("CAP_CHOWN") == 0 && capability_number("chown") < 0);
}

int main(void)
{
	read_all();
	complaints();
	damaged();
	names();
	return 0;
}
