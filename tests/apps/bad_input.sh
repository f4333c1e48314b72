#!/bin/bash
# What a user gets wrong and what a host can spoil: one line on stderr, a status as a shell would give, or the right
# errno for the program; and the standard streams in every state they may have.
# files: /bin/busybox
. "$(dirname "$0")/common"
[ "$PLATFORM" = systrap ] || skip "its timing has been tried on systrap only"
B=/bin/busybox
dir=$(mktemp -d)
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
	fails 126 "Exec format error" -- "$dir/$f"
done
fails 127 "No such file" -- "$dir/script"
fails 127 "No such file" -- "$dir/missing"
fails 127 "No such file" -- no-such-program
fails 126 "Permission denied" -- "$dir/plain"
fails 126 "Permission denied" -- "$dir"

fails 125 "--rootfs" --rootfs "$dir/missing" -- sh
fails 125 "not a directory" --rootfs "$dir/plain" -- sh
fails 125 "--rootfs" --rootfs "" -- sh
for m in 1K 0 -1 "" x 1T 12MB 99999999999999999999G; do
	fails 125 "--memory '$m'" --memory "$m" -- sh
done
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
fails 125 "no program" --
"$MOAT" bogus 2> err
expect "unknown command" 125 $?

expect "least memory" ok "$(MOAT_OPTS='--memory 16M' inside $B echo ok)"
expect "--env" "c" "$(MOAT_OPTS='--env A=b --env A=c' inside $B sh -c 'echo $A')"
expect "--cwd" /etc "$(MOAT_OPTS='--cwd /etc' inside busybox pwd)"
expect "--cwd is made, as in a container" /none-such "$(MOAT_OPTS='--cwd /none-such' inside $B pwd)"

# ---- streams ----
expect "reader that leaves" "141" "$(inside $B yes 2> /dev/null | head -1 > /dev/null; echo ${PIPESTATUS[0]})"
expect "closed input" 0 "$(inside $B wc -c <&- | tr -d ' ')"
expect "no input" 0 "$(inside $B wc -c < /dev/null)"
expect "a file as input" "$(wc -c < $B)" "$(inside $B wc -c < $B)"
inside $B echo hi >&- 2>&-
expect "closed output, as natively" 1 $?
mkfifo open-input && exec 9<> open-input
inside $B echo hi < open-input > out
expect "input that stays open" "hi" "$(cat out)"
exec 9>&-
mb=20
[ "$PLATFORM" != systrap ] || mb=100
sum() { head -c ${mb}000000 /dev/zero | md5sum; }
expect "$mb MB through" "$(sum)" "$(head -c ${mb}000000 /dev/zero | inside $B cat | md5sum)"
inside $B sh -c 'i=0; while [ $i -lt 100 ]; do echo hi || exit 3; i=$((i + 1)); done' > /dev/full 2> /dev/null
case $? in 3 | 141) ;; *) expect "a full disk as output" "an error" "none" ;; esac

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
{ sleep 1; truncate -s 8192 "$dir/tree/cut/busybox"; } &
MOAT_OPTS="--rootfs $dir/tree" inside $B sh -c '(/cut/busybox sleep 2; /cut/busybox awk "BEGIN { print 1 }") > /dev/null 2>&1
echo lives; exit 8' > out 2> err
expect "truncated program: status" 8 $?
expect "truncated program" lives "$(cat out)"

if command -v runuser > /dev/null && [ "$PLATFORM" = systrap ] && runuser -u nobody -- test -x "$MOAT"; then
	expect "an unprivileged user" 65534 "$(cd / && runuser -u nobody -- "$MOAT" do --platform systrap -- $B id -u)"
fi
done_testing
