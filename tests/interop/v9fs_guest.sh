# Runs inside the test machine (busybox sh): serves a folder by gofer_stream, mounts it by v9fs and works on it, looking
# at the result from both sides. Prints a line per failed check; exit status 1 if there was one.
# Started by v9fs.sh with the ways wanted.
S=/tmp/served M=/mnt/9p
failed=0 checks=0

show() { head -n 5 /tmp/out | tr -cd '\n -~' | cut -c1-150 | sed 's/^/    /'; }
settle() { [ "$way" != cached ] || sync; } # cache=loose writes back when it likes
fail() { echo "FAIL $way: $*"; failed=$((failed + 1)); }
check() { # TEXT COMMAND...: the command must succeed
	local text=$1; shift
	checks=$((checks + 1))
	"$@" >/tmp/out 2>&1 || { fail "$text: $* -> $?"; show; }
}
refuse() { # TEXT MESSAGE COMMAND...: the command must fail with that message
	local text=$1 msg=$2; shift 2
	checks=$((checks + 1))
	if "$@" >/tmp/out 2>&1; then
		fail "$text: $* succeeds"
	else
		grep -q "$msg" /tmp/out || { fail "$text: not '$msg' but:"; show; }
	fi
}
same() { check "$1" test "$2" = "$3"; }
sums() { (cd "$1" && find . -type f | sort | xargs md5sum); }

start() { # GOFER-FLAGS MOUNT-OPTIONS
	gofer_stream $1 -n 1 $S /tmp/sock >/tmp/gofer.log 2>&1 &
	gofer=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do grep -q listening /tmp/gofer.log && break; sleep 0.05; done
	mount -t 9p -o "trans=unix,version=9p2000.L,access=client,$2" /tmp/sock $M || { fail "mount -o $2"; return 1; }
}

stop() {
	check unmount umount $M
	wait $gofer || { fail "the gofer ends with $?"; cat /tmp/gofer.log; }
}

tree() { # files of many sizes, in a tree, written through the mount
	mkdir -p $M/t/a/b/c/d $M/t/e
	i=0
	for size in 0 1 100 4095 4096 4097 8191 65536 100000 1048577; do
		for d in a a/b a/b/c/d e; do
			i=$((i + 1))
			head -c $size /dev/urandom >/tmp/src
			cp /tmp/src $M/t/$d/f$i
			settle
			same "size of $d/f$i" "$(stat -c %s $S/t/$d/f$i)" $size
			check "content of $d/f$i" cmp /tmp/src $S/t/$d/f$i
		done
	done
	same 'checksums from both sides' "$(sums $M/t | md5sum)" "$(sums $S/t | md5sum)"
	check 'archive out' tar -C $M -cf /tmp/t.tar t
	mkdir $M/u && check 'archive in' tar -C $M/u -xf /tmp/t.tar
	settle
	check 'archive compares' diff -rq $S/t $S/u/t
	check 'remove a tree' rm -r $M/u
	check 'it is gone' test ! -e $S/u
}

writes() { # the same random writes on a file behind the mount and on a local one
	head -c 300000 /dev/urandom >/tmp/ref
	cp /tmp/ref $M/w
	i=0
	while [ $i -lt 40 ]; do
		i=$((i + 1))
		n=$((RANDOM * 3 % 20000 + 1)) at=$((RANDOM * 10))
		head -c $n /dev/urandom >/tmp/piece
		for f in /tmp/ref $M/w; do
			dd if=/tmp/piece of=$f bs=65536 seek=$at oflag=seek_bytes conv=notrunc 2>/dev/null
		done
		if [ $((i % 10)) = 0 ]; then
			truncate -s $((RANDOM * 9)) /tmp/ref
			truncate -s $(stat -c %s /tmp/ref) $M/w
		fi
	done
	check 'random writes' cmp /tmp/ref $M/w
	settle
	check 'random writes, served side' cmp /tmp/ref $S/w
	for f in /tmp/ref $M/w; do echo more >>$f; echo more >>$f; done
	settle
	check append cmp /tmp/ref $S/w
	truncate -s 5000000 $M/hole
	same 'size of a hole' "$(stat -c %s $S/hole)" 5000000
	same 'a hole reads as zeros' "$(md5sum <$M/hole)" "$(head -c 5000000 /dev/zero | md5sum)"
	check 'truncate on open' sh -c ": >$M/w"
	same 'truncated' "$(stat -c %s $S/w)" 0
}

names() {
	mkdir $M/n
	long=$(head -c 255 /dev/zero | tr '\0' x)
	check 'a name of 255 bytes' sh -c "echo 1 >$M/n/$long"
	refuse 'a name of 256 bytes' 'too long' touch $M/n/${long}x
	check 'a strange name' sh -c "echo 2 >'$M/n/ a	b\\ü'"
	same 'names from both sides' "$(ls -a $M/n | md5sum)" "$(ls -a $S/n | md5sum)"
	mkdir $M/many
	(cd $M/many && i=0 && while [ $i -lt 700 ]; do : >file-with-a-rather-long-name-$i; i=$((i + 1)); done)
	same 'a large folder' "$(ls $M/many | md5sum)" "$(ls $S/many | md5sum)"
	same 'its count' "$(ls $M/many | wc -l)" 700
	check 'empty it' rm -r $M/many
	settle
	check rename mv $M/n/$long $M/n/short
	same 'renamed content' "$(cat $S/n/short)" 1
	check 'rename over' sh -c "echo 3 >$M/n/other && mv $M/n/other $M/n/short"
	settle
	same 'replaced content' "$(cat $M/n/short)" 3
	mkdir $M/n/d1 $M/n/d2 && echo in >$M/n/d1/x
	check 'rename a folder' mv $M/n/d1 $M/n/d2/moved
	same 'a file below it' "$(cat $M/n/d2/moved/x)" in
	check link ln $M/n/short $M/n/hard
	same 'link count' "$(stat -c %h $S/n/short)" 2
	same 'the same inode' "$(stat -c %i $M/n/short)" "$(stat -c %i $M/n/hard)"
	check symlink ln -s ../n/short $M/n/sym
	same readlink "$(readlink $M/n/sym)" ../n/short
	same 'through it' "$(cat $M/n/sym)" 3
	ln -s /etc/hostname-of-nobody $M/n/dangling
	refuse 'a dangling link' 'No such file' cat $M/n/dangling
	refuse 'mkdir over a file' 'File exists' mkdir $M/n/short
	refuse 'rmdir of a full folder' 'not empty' rmdir $M/n/d2
	refuse 'a file as a folder' 'Not a directory' cat $M/n/short/x
	refuse 'an absent file' 'No such file' cat $M/n/absent
	refuse 'unlink of a folder' '' unlink $M/n/d2
	check 'noclobber creates' sh -c "set -C; echo >$M/n/excl"
	refuse 'noclobber refuses' exist sh -c "set -C; echo >$M/n/excl"
}

attributes() {
	echo a >$M/attr
	check chmod chmod 4751 $M/attr
	same mode "$(stat -c %a $S/attr)" 4751
	check chown chown 1234:4321 $M/attr
	same owner "$(stat -c %u:%g $S/attr)" 1234:4321
	check 'set times' touch -d '2001-02-03 04:05:06' $M/attr
	same times "$(stat -c %Y $S/attr)" "$(stat -c %Y $M/attr)"
	same 'the year' "$(date -u -r $S/attr +%Y)" 2001
	chmod 700 $M/attr
	same 'attributes from both sides' "$(stat -c '%s %a %u %g %Y %h %F' $M/attr)" "$(stat -c '%s %a %u %g %Y %h %F' $S/attr)"
	check statfs df $M
	echo open >$M/gone
	check 'read after unlink' sh -c "exec 3<$M/gone; rm $M/gone; test \"\$(cat <&3)\" = open"
}

readonly_tree() {
	echo fixed >$S/ro
	start -r msize=65536 || return
	same 'read-only content' "$(cat $M/ro)" fixed
	refuse 'write' 'Read-only' sh -c "echo x >$M/ro"
	refuse 'create' 'Read-only' touch $M/new
	refuse 'mkdir' 'Read-only' mkdir $M/newdir
	refuse 'unlink' 'Read-only' rm -f $M/ro
	refuse 'rename' 'Read-only' mv $M/ro $M/ro2
	refuse 'chmod' 'Read-only' chmod 600 $M/ro
	same 'still there' "$(cat $S/ro)" fixed
	stop
}

parallel() { # several clients of one connection at a time
	mkdir $M/p
	for j in 1 2 3 4; do
		(i=0; while [ $i -lt 25 ]; do i=$((i + 1)); head -c $((j * 5000)) /dev/zero | tr '\0' $j >$M/p/$j.$i; done) &
		pids="$pids $!"
	done
	wait $pids
	settle
	for j in 1 2 3 4; do
		same "writer $j" "$(cat $S/p/$j.* | md5sum)" "$(head -c $((j * 5000 * 25)) /dev/zero | tr '\0' $j | md5sum)"
	done
	pids=
}

all() { # GOFER-FLAGS MOUNT-OPTIONS
	start "$1" "$2" || return
	tree
	writes
	names
	attributes
	parallel
	stop
}

mkdir -p $M
for way in $*; do
	rm -rf $S
	mkdir -p $S
	began=$(cut -d' ' -f1 /proc/uptime)
	case $way in
	plain) all '' msize=131072 ;;
	cached) all '' msize=1048576,cache=loose ;;
	small) all '' msize=8192 ;;
	sealed) all -s msize=131072 ;;
	readonly) readonly_tree ;;
	*) fail 'no such way' ;;
	esac
	echo "$way: from $began to $(cut -d' ' -f1 /proc/uptime) s"
done
echo "$checks checks, $failed failed"
[ $failed = 0 ]
