#!/bin/bash
# What a user gets wrong and what a host can spoil: one line on stderr, a status as a shell would give, or the right
# errno for the program; and the standard streams in every state they may have.
# files: /bin/busybox $BUILD/tests/apps/badelf
. "$(dirname "$0")/common"
B=/bin/busybox
dir=$(mktemp -d)
nap=0.5
[ "$PLATFORM" = systrap ] || nap=1 # the emulated machine is slow
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT
chmod 755 "$dir"

# fails STATUS TEXT ARG...: moat do ARG... ends so, with one line on stderr that holds TEXT.
fails() {
	local want=$1 text=$2 st
	shift 2
	"$MOAT" do --platform "$PLATFORM" "$@" < /dev/null > "$dir/out" 2> "$dir/err"
	st=$?
	expect "$*: status" "$want" "$st"
	expect "$*: lines" 1 "$(wc -l < "$dir/err")"
	case $(cat "$dir/err") in "moat: "*"$text"*) ;; *) expect "$*: message" "moat: ...$text" "$(cat "$dir/err")" ;; esac
}

cd "$dir" || exit 1
head -c 30 $B > tiny
head -c 3000 $B > truncated
head -c 5000 /dev/urandom > garbage
{ head -c 18 $B; printf '\267\000'; tail -c +21 $B; } > arm64 # e_machine is EM_AARCH64
printf '#!/no/such/interpreter\n' > script
printf '#!\n' > hashbang
: > empty
chmod +x tiny truncated garbage arm64 script hashbang empty
echo text > plain
for f in tiny truncated garbage arm64 hashbang empty; do
	fails 126 "exec format error" -- "$dir/$f"
done
fails 127 "no such file or directory (its interpreter, " -- "$dir/script"
fails 127 "no such file or directory (error " -- ""
fails 127 "no such file" -- "$dir/missing"
fails 127 "no such file" -- no-such-program
fails 126 "permission denied" -- "$dir/plain"
fails 126 "permission denied" -- "$dir"

fails 125 "--rootfs" --rootfs "$dir/missing" -- sh
fails 125 "not a directory" --rootfs "$dir/plain" -- sh
fails 125 "--rootfs" --rootfs "" -- sh
mkdir -p plain-root && echo x > plain-root/file
fails 125 "--pcap: no frames without --net" --pcap "$dir/frames" -- true
fails 127 "no such file" --rootfs "$dir/plain-root" -- sh
fails 127 "no such file" --rootfs "$dir/plain-root" -- /bin/sh
for m in 1K 0 -1 "" x 1T 12MB 99999999999999999999G; do
	fails 125 "--memory '$m'" --memory "$m" -- sh
done
fails 125 "--overlay memory:17179869185G" --overlay memory:17179869185G -- sh
for c in 0 -1 "" 65 1x 4294967297; do
	fails 125 "--cpus '$c'" --cpus "$c" -- sh
done
fails 125 "--platform 'foo'" --platform foo -- sh
fails 125 "unknown option '--bogus'" --bogus -- sh
fails 125 "unknown option '-x'" -x -- sh
fails 125 "--env 'A'" --env A -- sh
fails 125 "--env '=b'" --env =b -- sh
fails 125 "needs a value" --env
fails 125 "absolute" --cwd relative -- sh
fails 125 "$dir/plain" --cwd "$dir/plain" -- sh
fails 125 "$dir/plain/a/b" --cwd "$dir/plain/a/b" -- sh
fails 125 "/proc/no/such" --cwd /proc/no/such -- sh
fails 125 "no program" --
"$MOAT" bogus 2> err
expect "unknown command" 125 $?

expect "least memory" ok "$(MOAT_OPTS='--memory 16M' inside $B echo ok)"
expect "--env" "c" "$(MOAT_OPTS='--env A=b --env A=c' inside $B sh -c 'echo $A')"
expect "--cwd" /etc "$(MOAT_OPTS='--cwd /etc' inside busybox pwd)"
expect "--cwd is made, as in a container" /none-such/a/b "$(MOAT_OPTS='--cwd /none-such//a/b/' inside $B pwd)"

# ---- programs ----
# What Linux does not run is not run here either, and nothing is worse than its own end. (We refuse more than Linux.)
badelf=$(cd "$BUILD" && pwd)/tests/apps/badelf
if [ -x "$badelf" ]; then
	mkdir elf
	"$badelf" elf > elf.native
	inside "$badelf" "$dir/elf" > elf.inside
	expect "ELF files: status" 0 $?
	expect "ELF files: names" "$(cut -d: -f1 elf.native)" "$(cut -d: -f1 elf.inside)"
	expect "ELF files that Linux refuses" "" "$(grep -v 'status 7$' elf.native | cut -d: -f1 | while read -r name; do grep -F "$name: status" elf.inside; done)"
	expect "ELF files that run" "good: status 7
position-independent: status 7" "$(grep -e '^good' -e '^position-independent:' elf.inside)"
	expect "ELF files: ends" "" "$(grep -v -e 'status 7$' -e 'signal 11$' -e ': [A-Z]' elf.inside)"
fi

# ---- streams ----
expect "reader that leaves" "141" "$(inside $B yes 2> /dev/null | head -1 > /dev/null; echo ${PIPESTATUS[0]})"
expect "closed input, as natively" "$($B cat 2>&1 <&-; echo $?)" "$(inside $B cat 2>&1 <&-; echo $?)"
expect "a directory as input" "$($B cat 2>&1 < /; echo $?)" "$(inside $B cat 2>&1 < /; echo $?)"
expect "no input" 0 "$(inside $B wc -c < /dev/null)"
expect "a file as input" "$(wc -c < $B)" "$(inside $B wc -c < $B)"
inside $B echo hi >&- 2>&-
expect "closed output, as natively" 1 $?
inside $B sh -c 'echo x >&2; echo y' 0<&- 1>&- 2>&-
expect "all streams closed, as natively" 1 $?
mkfifo open-input && exec 9<> open-input
inside $B echo hi < open-input > out
expect "input that stays open" "hi" "$(cat out)"
exec 9>&-
mb=20
[ "$PLATFORM" != systrap ] || mb=100
sum() { head -c ${mb}000000 /dev/zero | md5sum; }
expect "$mb MB through" "$(sum)" "$(head -c ${mb}000000 /dev/zero | inside $B cat | md5sum)"
inside $B sh -c 'echo hi; echo $? >&2; echo more || exit 3' > /dev/full 2> err
expect "a full disk as output: status" 3 $?
expect "a full disk as output" "sh: write error: No space left on device
1
sh: write error: No space left on device" "$(cat err)"
inside $B sh -c 'sleep 0.3; echo hi' | true
expect "a reader that has left" 141 ${PIPESTATUS[0]}
expect "order of the two outputs" "$(seq 100)" "$(inside $B sh -c 'for i in $(seq 1 2 99); do echo $i; echo $((i + 1)) >&2; done' 2>&1)"
expect "the last of much output" 1000000 "$(inside $B seq 1000000 | tail -n 1)"
# A writer whom nobody reads from still takes a signal; what it wrote waits for the reader. (A trap would not run: busybox
# goes on with its write after EINTR, here as on Linux.)
mkfifo slow && exec 7<> slow
"$MOAT" do --platform "$PLATFORM" -- $B sh -c 'echo up >&2
while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done' < /dev/null > slow 2> err &
pid=$!
for ((i = 0; i < 200; i++)); do grep -q up err && break; sleep 0.05; done
sleep "$nap"
kill -TERM $pid
wait $pid
expect "a signal to a writer that waits: status" 143 $?
cat <&7 > out &
cat=$!
sleep 0.3
kill $cat
exec 7>&-
expect "a signal to a writer that waits: lines" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" "$(sort -u out)"

# ---- the tree ----
mkdir -p tree/bin full
cp $B tree/bin/busybox
echo old > tree/f
MOAT_OPTS="--rootfs $dir/tree" inside $B sh -c 'echo new > /f; mkdir /d'
expect "a tree without --rw" "old no" "$(cat tree/f) $([ -e tree/d ] && echo yes || echo no)"
MOAT_OPTS="--rootfs $dir/tree --rw" inside $B sh -c 'echo new > /f; mkdir /d; echo x > /d/x; rm /d/x; echo y > /d/y'
expect "a tree with --rw" "new y" "$(cat tree/f) $(ls tree/d)"
if mount -t tmpfs -o size=4m none full 2> /dev/null; then
	mkdir full/bin && cp $B full/bin
	got=$(MOAT_OPTS="--rootfs $dir/full --rw" inside $B sh -c 'dd if=/dev/zero of=/big bs=1M count=10 2>&1 | grep -c "No space"; echo $?')
	umount full
	expect "a full disk" "1
0" "$got"
fi

# A program that is cut short on the host while it runs: its own end at worst, and the sandbox lives to tell.
mkdir tree/cut
cp $B tree/cut/busybox
mkfifo said go
MOAT_OPTS="--rootfs $dir/tree" inside $B sh -c '(/cut/busybox sh -c "echo up; read go"; /cut/busybox awk "BEGIN { print 1 }" > /dev/null) 2> /dev/null
echo lives; exit 8' < go > said 2> err &
pid=$!
exec 7> go 8< said
read -r -t 60 line <&8
expect "truncated program: start" up "$line"
truncate -s 8192 "$dir/tree/cut/busybox"
echo go >&7
exec 7>&-
rest=$(cat <&8)
exec 8<&-
wait $pid
expect "truncated program: status" 8 $?
expect "truncated program" lives "$rest"

# ---- an unprivileged user ----
someone() { (cd / && exec setpriv --reuid 1000 --regid 1000 --clear-groups "$@"); }
if someone test -x "$MOAT" 2> /dev/null; then
	mkdir secret && chmod 700 secret
	someone "$MOAT" do --platform "$PLATFORM" --rootfs "$dir/secret" -- sh > out 2> err
	expect "a foreign root: status" 125 $?
	expect "a foreign root" "moat: --rootfs $dir/secret: Permission denied" "$(cat err)"
	someone "$MOAT" do --platform "$PLATFORM" -- $B sh -c 'id -u; echo x > /etc/moat-new; echo $?; exit 9' > out 2> err
	st=$?
	if [ "$PLATFORM" = kvm ] && ! someone test -r /dev/kvm -a -w /dev/kvm; then
		expect "an unprivileged user without /dev/kvm" "125 1" "$st $(wc -l < err)"
	else
		expect "an unprivileged user" "9 1000 1" "$st $(tr '\n' ' ' < out | sed 's/ $//')"
	fi
fi
done_testing
