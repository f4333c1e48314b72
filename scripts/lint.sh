#!/bin/bash
# lint.sh - what the compiler does not check. Each check is a function check_<name> that prints its findings and fails.
#   format    clang-format on every tracked C file
#   analyzer  gcc -fanalyzer on the code that runs on the host
#   layers    no lower layer of guest/ needs a symbol that only a higher one defines (scripts/layers.awk)
#   nosse     no vector or x87 register in the Sentry images (application FPU state lives in them)
#   abi       our Linux ABI structs and numbers against the system's headers (tests/lint/abi_asserts.c)
#   docs      docs/syscalls.md is as scripts/syscalls-doc.py makes it; the files that the documents name exist
#   errnos    tests/abi expects every errno that the manual documents for a full call (scripts/errno-coverage.py)
#   exports   what only its own file names is static (scripts/exports.py)
# usage: lint.sh [CHECK...] | --list | --seed-violations      env: BUILD
# --seed-violations plants one violation of each kind in a temporary copy and demands that its check finds it.
set -u
self=$(readlink -f "$0")
scripts=${self%/*}
cd "${LINT_ROOT:-$scripts/..}" || exit 1
BUILD=${BUILD:-build}
CHECKS='format analyzer layers nosse abi docs errnos exports'

check_format() {
	local files
	mapfile -t files < <(git ls-files -- '*.c' '*.h' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
	[ ${#files[@]} -gt 0 ] || { echo 'format: no tracked C file'; return 1; }
	clang-format --dry-run -Werror --ferror-limit=3 "${files[@]}" 2>&1 | grep -E 'error:|warning:' |
		awk -F: '{ n[$1]++; if (n[$1] == 1) first[$1] = $2 } END { for (f in n)
			print f ":" first[f] ": clang-format -i " f }' | sort | { ! grep .; }
}

# One file; a clean result is remembered by the hash of the preprocessed text.
analyze_one() {
	local flags='-std=gnu11 -O2 -D_GNU_SOURCE -DMOAT_HOST=1 -DMOAT_VERSION="0" -I.' key
	key=$(gcc $flags -E "$1" | sha256sum | cut -c1-32)
	[ -e "$BUILD/lint/$key" ] && return
	# Leaks: gcc 12 does not see what a list keeps; the unit tests run under LeakSanitizer.
	if gcc $flags -fanalyzer -Wall -Wextra -Wno-analyzer-malloc-leak -fdiagnostics-path-format=none -Werror -c -o /dev/null "$1" 2>"$BUILD/lint/$key.log"; then
		touch "$BUILD/lint/$key"
		rm -f "$BUILD/lint/$key.log"
	else
		cat "$BUILD/lint/$key.log"
		rm -f "$BUILD/lint/$key.log"
		return 1
	fi
}

check_analyzer() {
	mkdir -p "$BUILD/lint"
	export -f analyze_one
	export BUILD
	local files
	mapfile -t files < <(ls host/*.c host/*/*.c oci/*.c loader/*.c 2>/dev/null)
	[ ${#files[@]} -gt 0 ] || { echo 'analyzer: no C file in host, oci, loader'; return 1; }
	printf '%s\n' "${files[@]}" | xargs -P 2 -I{} bash -c 'analyze_one {}'
}

check_layers() {
	local status=0 p objs any=0
	for p in kvm systrap; do
		mapfile -t objs < <(find "$BUILD/$p/guest" "$BUILD/$p/loader" -name '*.o' 2>/dev/null |
			while read -r o; do s=${o#"$BUILD/$p/"}; [ -f "${s%.o}" ] && echo "$o"; done)
		[ ${#objs[@]} -gt 0 ] || continue
		any=1
		nm -A -g "${objs[@]}" | awk -v top="$BUILD/$p/" -v platform="$p" -v allow="$scripts/layers.allow" \
			-f "$scripts/layers.awk" || status=1
	done
	[ $any = 1 ] || { echo "layers: no object file below $BUILD/kvm or $BUILD/systrap: run make"; return 1; }
	return $status
}

check_nosse() {
	local status=0 elf any=0
	for elf in "$BUILD"/sentry-kvm.elf "$BUILD"/sentry-systrap.elf; do
		[ -f "$elf" ] || continue
		any=1
		objdump -d --no-show-raw-insn "$elf" | awk -v elf="${elf##*/}" '
			/^[0-9a-f]+ <.*>:$/ { fn = $2 }
			/%[xyz]mm[0-9]|%st\y|%mm[0-7]/ { if (!seen[fn]++) print elf ": " fn " " $0; bad = 1 }
			END { exit bad }' || status=1
	done
	[ $any = 1 ] || { echo "nosse: no Sentry image in $BUILD: run make"; return 1; }
	return $status
}

# System headers whose macros the Sentry may have to repeat. sys/ ones first, so that linux/ ones yield to them.
abi_headers='aio.h dirent.h elf.h errno.h fcntl.h limits.h net/if.h netinet/in.h netinet/tcp.h poll.h pty.h pwd.h sched.h
	signal.h stdio.h stdlib.h sys/epoll.h sys/eventfd.h sys/file.h sys/inotify.h sys/ioctl.h sys/ipc.h sys/mman.h
	sys/mount.h sys/msg.h sys/prctl.h sys/random.h sys/reboot.h sys/resource.h sys/sem.h sys/shm.h sys/signalfd.h
	sys/socket.h sys/stat.h sys/statvfs.h sys/time.h sys/timerfd.h sys/timex.h sys/uio.h sys/un.h sys/utsname.h
	sys/vfs.h sys/wait.h sys/xattr.h termios.h time.h unistd.h linux/audit.h linux/capability.h linux/falloc.h
	linux/fs.h linux/futex.h linux/magic.h linux/membarrier.h linux/openat2.h linux/rseq.h
	linux/seccomp.h linux/securebits.h linux/kcmp.h asm/prctl.h'

# Literal constants of guest/ that bear the name of a system macro must have its value, except those in abi.allow.
# -> a program on stdout
abi_constants() {
	local h
	printf '#define _GNU_SOURCE\n'
	for h in $abi_headers; do printf '#include <%s>\n' "$h"; done
	printf 'struct termios2 { int flag[4]; char line, cc[19]; int ispeed, ospeed; };\n' # glibc has the ioctl, not the type
	printf 'static int bad;\n#define CHECK(n, v, where) do { if ((unsigned long)(n) != (unsigned long)(v)) { bad = 1; \\\n'
	printf 'printf("%%s: %%s is %%#lx here and %%#lx in the system headers\\n", where, #n, (unsigned long)(v), \\\n'
	printf '(unsigned long)(n)); } } while (0)\nint main(void)\n{\n'
	grep -rnE '^[ 	]*#[ 	]*define[ 	]+[A-Z][A-Z0-9_]*[ 	]+[-(]*[0-9]' guest --include='*.[ch]' |
		sed -nE 's/^([^:]*:[0-9]+):[ 	]*#[ 	]*define[ 	]+([A-Z0-9_]+)[ 	]+([^/]*[^/ 	]).*$/\2\t\3\t\1/p' |
		grep -P '^[A-Z0-9_]+\t[-0-9a-fA-FxXuUlL()<|+* ]+\t' |
		grep -vwFf <(sed 's/^#.*//; s/ .*//; /^$/d' "$scripts/abi.allow") |
		awk -F'\t' '{ printf "#ifdef %s\n#line 1 \"%s\"\nCHECK(%s, %s, \"%s\");\n#endif\n", $1, $3, $1, $2, $3 }'
	printf 'return bad;\n}\n'
}

check_abi() {
	local src=tests/lint/abi_asserts.c status=0 tmp flags='-std=gnu11 -Wall -Wextra -Werror -I.'
	[ -f $src ] || { echo "abi: $src is absent"; return 1; }
	[ -e "$BUILD/musl-include/.stamp" ] || { echo "abi: no $BUILD/musl-include: run make"; return 1; }
	tmp=$(mktemp -d) || return 1
	gcc $flags -iquote guest -ffreestanding -nostdinc -isystem "$(gcc -print-file-name=include)" \
		-isystem "$BUILD/musl-include" -DSIDE_GUEST -c -o "$tmp/guest.o" $src &&
		gcc $flags -D_GNU_SOURCE -o "$tmp/layout" $src "$tmp/guest.o" && "$tmp/layout" || status=1
	abi_constants | gcc -w -x c -o "$tmp/constants" - && "$tmp/constants" || status=1
	rm -rf "$tmp"
	return $status
}

# A path in the documents is from the top or from guest/, and may hold a *.
check_docs() {
	local status=0 doc path
	"$scripts/syscalls-doc.py" --check || status=1
	while IFS=: read -r doc path; do
		compgen -G "$path" >/dev/null || compgen -G "guest/$path" >/dev/null ||
			{ echo "$doc: there is no $path"; status=1; }
	done < <(grep -oHsE '\b[A-Za-z_]+/([A-Za-z0-9_*-]+/)*([A-Za-z0-9_*-]+\.(c|h|S|def|lds|awk|py|sh|md|mk)\b)?' \
		docs/*.md README.md tests/README.md | grep -E '\.[a-zA-Z]+$|:(guest|host|oci|abi|loader|scripts|tests|bench)/' | sort -u)
	return $status
}

check_errnos() {
	"$scripts/errno-coverage.py" --check
}

check_exports() {
	"$scripts/exports.py" "$BUILD"
}

# ---- the checks' own test ----

# seed CHECK FILE: in $tree, which passes CHECK, FILE (text on stdin) is appended and CHECK must fail.
seed() {
	local check=$1 file=$2 text
	text=$(cat)
	if ! LINT_ROOT=$tree BUILD=$tree/build "$self" "$check" >"$tree/out" 2>&1; then
		echo "seed $check: fails before the violation:"
		cat "$tree/out"
		return 1
	fi
	cp "$tree/$file" "$tree/saved"
	printf '%s\n' "$text" >>"$tree/$file"
	seed_build
	if LINT_ROOT=$tree BUILD=$tree/build "$self" "$check" >"$tree/out" 2>&1; then
		echo "seed $check: the violation in $file was not found"
		return 1
	fi
	echo "seed $check: found: $(grep -m1 . "$tree/out" | cut -c1-150)"
	mv "$tree/saved" "$tree/$file"
	seed_build
}

# Three small files stand for the guest: what counts is that the checks read objects and images as make leaves them.
seed_build() {
	local p f
	for p in kvm systrap; do
		for f in guest/lib/low.c guest/sys/high.c; do
			mkdir -p "$tree/build/$p/${f%/*}"
			gcc -std=gnu11 -O2 -ffreestanding -c -o "$tree/build/$p/$f.o" "$tree/$f" || return 1
		done
		gcc -nostdlib -static -Wl,-e,low -o "$tree/build/sentry-$p.elf" "$tree/build/$p/guest/lib/low.c.o" \
			"$tree/build/$p/guest/sys/high.c.o" || return 1
	done
}

seed_all() {
	tree=$(mktemp -d) || exit 1
	trap 'rm -rf "$tree"' EXIT
	local status=0
	mkdir -p "$tree"/{host,guest/lib,guest/sys,tests/lint}
	cp .clang-format "$tree/"
	printf 'int low(void);\n\nint low(void)\n{\n\treturn 1;\n}\n' >"$tree/guest/lib/low.c"
	printf 'int low(void);\nint high(void);\n\nint high(void)\n{\n\treturn low();\n}\n' >"$tree/guest/sys/high.c"
	printf '#include <stdlib.h>\n' >"$tree/host/h.c"
	cp tests/lint/* "$tree/tests/lint/"
	find abi guest -name '*.h' -o -name '*.def' | cpio -pdm --quiet "$tree"
	mkdir "$tree/build"
	ln -s "$(readlink -f "$BUILD")/musl-include" "$tree/build/musl-include"
	git -C "$tree" init -q
	git -C "$tree" add guest/lib/low.c guest/sys/high.c host/h.c
	seed_build || exit 1
	seed format guest/lib/low.c <<<'int   badly( void ) { return 2; }' || status=1
	seed analyzer host/h.c <<-'C' || status=1
		int twice(int *p);
		int twice(int *p)
		{
			free(p);
			return *p;
		}
	C
	seed layers guest/lib/low.c <<-'C' || status=1
		int high(void);
		int upward(void);
		int upward(void)
		{
			return high();
		}
	C
	seed nosse guest/sys/high.c <<-'C' || status=1
		double half(double x);
		double half(double x)
		{
			return x / 2;
		}
	C
	seed abi tests/lint/abi_layout.def <<<'SIZE(struct siginfo, int)' || status=1
	seed abi guest/lib/low.c <<<'#define O_APPEND 1234' || status=1
	mkdir "$tree/docs" "$tree/scripts"
	touch "$tree/docs/other.md"
	cp "$scripts/syscalls-doc.py" "$tree/scripts/"
	(cd "$tree" && "$scripts/syscalls-doc.py")
	seed docs guest/sys/syscalls.def <<<'SYSCALL0(999, nonesuch, none, "")' || status=1
	seed docs docs/other.md <<<'See `guest/sys/nonesuch.c`.' || status=1
	cp -r tests/abi "$tree/tests/"
	seed errnos guest/sys/syscalls.def <<<'SYSCALL0(999, quotactl, full, "")' || status=1
	printf 'int high(void);\n' >"$tree/tests/uses.c"
	printf 'int seeded_alone(void);\n' >"$tree/guest/lib/alone.h"
	seed exports guest/lib/low.c <<<$'int seeded_alone(void);\nint seeded_alone(void)\n{\n\treturn 3;\n}' || status=1
	seed errnos tests/abi/errno-exceptions <<<'read EXDEV it never says so' || status=1
	return $status
}

case ${1-} in
--list) echo $CHECKS; exit ;;
--seed-violations) seed_all; exit ;;
-*) sed -n '2,12s/^# \{0,1\}//p' "$self"; exit 2 ;;
esac

failed=()
for c in ${*:-$CHECKS}; do
	declare -F "check_$c" >/dev/null || { echo "lint: no such check: $c ($CHECKS)" >&2; exit 2; }
	if "check_$c"; then
		[ $# -gt 0 ] || echo "lint: $c: clean"
	else
		failed+=("$c")
	fi
done
[ ${#failed[@]} = 0 ] || { echo "lint: failed: ${failed[*]}"; exit 1; }
