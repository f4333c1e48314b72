/*
 * cmd_doctor.c - `moat doctor`: a line each on what works on this host and what hardening is missing.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cmd.h"
#include "host/error.h"
#include "host/sandbox.h"

static int problems;

static void line(bool ok, const char *what, const char *detail)
{
	printf("%-8s %s%s%s\n", ok ? "ok" : "missing", what, *detail ? ": " : "", detail);
	problems += !ok;
}

static bool platform(const struct platform_ops *p)
{
	struct error err = { 0 };
	bool ok = p->probe(&err) == 0;

	printf("%-8s platform %s%s%s\n", ok ? "works" : "no", p->name, ok ? "" : ": ", err.msg);
	return ok;
}

static long read_number(const char *path)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return n > 0 ? atol(buf) : -1;
}

static bool has_word(const char *path, const char *word)
{
	char buf[4096] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return n > 0 && strstr(buf, word);
}

static int run(int argc, char **argv)
{
	bool kvm, systrap;
	long userns;

	if (argc > 1) {
		fprintf(stderr, "moat: doctor: unknown argument '%s'\n", argv[1]);
		return EXIT_MOAT;
	}
	kvm = platform(&platform_kvm);
	systrap = platform(&platform_systrap);
	printf("%-8s --platform auto takes %s\n", kvm || systrap ? "ok" : "no",
	       kvm	 ? "kvm"
	       : systrap ? "systrap"
			 : "none");

	userns = read_number("/proc/sys/user/max_user_namespaces");
	line(userns != 0, "user namespaces",
	     userns == 0 ? "sysctl user.max_user_namespaces is 0" : "");
	line(has_word("/proc/sys/kernel/seccomp/actions_avail", "kill_process"),
	     "seccomp kill_process", "");
	line(access("/proc/self/ns/pid", F_OK) == 0, "pid namespaces", "");
	line(access("/sys/kernel/security/apparmor", F_OK) == 0 ||
		     access("/sys/fs/selinux/enforce", F_OK) == 0,
	     "mandatory access control",
	     "neither AppArmor nor SELinux is active; the jails stand alone");
	line(!has_word("/sys/devices/system/cpu/vulnerabilities/l1tf", "VMX: vulnerable"), "L1TF",
	     "");
	line(!has_word("/sys/devices/system/cpu/vulnerabilities/mds", "Vulnerable"), "MDS", "");
	line(read_number("/sys/devices/system/cpu/smt/active") != 1, "SMT off",
	     "sibling threads share caches between tenants; 'echo off > /sys/devices/system/cpu/smt/control'");
	line(read_number("/sys/kernel/mm/ksm/run") < 1, "KSM off",
	     "page merging is a side channel between tenants");
	if (kvm)
		line(has_word("/sys/module/kvm/parameters/nx_huge_pages", "N"), "fast VM creation",
		     "nx_huge_pages makes KVM_CREATE_VM slow; boot with kvm.nx_huge_pages=never if the CPU is "
		     "not affected by iTLB multihit");
	return kvm || systrap ? 0 : 1;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "moat doctor",
	.summary = "Say which platforms work on this host and what hardening is missing.",
	.run = run,
};
