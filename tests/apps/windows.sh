#!/bin/bash
# Files that are mapped from the host's page cache: what the host changes shows, what the sandbox changes shows as on Linux.
# files: $BUILD/tests/apps/windows
. "$(dirname "$0")/common"
dir=$(mktemp -d)
trap '[ $BASHPID != $$ ] || rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir "$dir/root" "$dir/volume"
cp "$BUILD/tests/apps/windows" "$dir/root/windows" 2> /dev/null ||
	${CC:-gcc} -std=gnu11 -O1 -static -o "$dir/root/windows" "$(dirname "$0")/windows.c" || exit 1
as() { head -c 12288 /dev/zero | tr '\0' "$1"; }

# How many processes of the sandbox that $1 runs have $2 mapped (by its number: its path is another one there): 0 with copies.
mapped() {
	local n=0 p ino
	ino=$(stat -c %i "$2")
	for p in $(descendants "$1"); do
		! awk -v ino="$ino" '$5 == ino { found = 1 } END { exit !found }' "/proc/$p/maps" || n=$((n + 1))
	done 2> /dev/null
	echo "$n"
}
descendants() {
	local c
	for c in $(cat /proc/"$1"/task/*/children 2> /dev/null); do
		echo "$c"
		descendants "$c"
	done
}

# ---- the host changes it: at once through a window; with copies, when the program opens it again, at the latest ----
mkfifo "$dir/said" "$dir/go"
where() { if [ "$1" = volume ]; then echo /v/file; else echo /file; fi; }
for place in root volume; do
	for dax in on off; do
		file=$dir/$place/file
		as a > "$file"
		"$MOAT" do --platform "$PLATFORM" --dax=$dax --rootfs "$dir/root" \
			--mount "type=bind,src=$dir/volume,dst=/v,ro" -- /windows watch "$(where $place)" \
			< "$dir/go" > "$dir/said" 2> "$dir/err" &
		pid=$!
		exec 7> "$dir/go" 8< "$dir/said"
		read -r -t 30 line <&8
		expect "$place $dax: start" a "$line"
		windows=$(mapped $pid "$file")
		if [ $dax = off ]; then
			expect "$place off: windows" 0 "$windows"
		else # on systrap in the Sentry and in the program's process, on KVM in the launcher
			least=$([ "$PLATFORM" = kvm ] && echo 1 || echo 2)
			[ "$windows" -ge "$least" ] || expect "$place on: windows" "$least or more" "$windows"
		fi
		printf b | dd of="$file" conv=notrunc status=none
		echo >&7
		read -r -t 30 line <&8
		[ "$windows" = 0 ] || expect "$place $dax: changed in place" "b b" "$line"
		as c > "$file.new" && mv "$file.new" "$file"
		echo >&7
		read -r -t 30 line <&8
		[ "$windows" = 0 ] || expect "$place $dax: replaced, the mapping" b "${line% *}"
		[ $place = root ] || expect "$place $dax: replaced, opened again" c "${line#* }"
		exec 7>&-
		cat <&8 > /dev/null
		wait $pid
		expect "$place $dax: status" 0 $?
		expect "$place $dax: errors" "" "$(cat "$dir/err")"
	done
done

# ---- the sandbox itself changes it: in the overlay, in the root, in a volume ----
for opts in "" --rw "--mount type=bind,src=$dir/volume,dst=/v"; do
	for dax in on off; do
		as a > "$dir/root/file"
		as a > "$dir/volume/file"
		file=/file
		[ "${opts#--mount}" = "$opts" ] || file=/v/file
		got=$(MOAT_OPTS="--dax=$dax --rootfs $dir/root $opts" inside /windows own $file 2>&1)
		status=$?
		# As on Linux's overlayfs, a mapping from before the first change goes on showing the old file.
		if [ -z "$opts" ]; then
			[ "$status" = 1 ] || expect "overlay $dax: status" 1 "$status"
			got=$(grep -v '^shared after\|^two shared\|^the old mapping\|old mapping: \|^a private page behind' \
				<<< "$got")
		else
			expect "own changes $opts $dax: status" 0 "$status"
		fi
		expect "own changes $opts $dax" "" "$got"
	done
done

# ---- more areas than the host gives a process: no window after that, and nothing is lost (platform_dax_refused) ----
as a > "$dir/root/file"
"$MOAT" do --platform "$PLATFORM" --rootfs "$dir/root" -- /windows crowd /file < "$dir/go" > "$dir/said" 2> "$dir/err" &
pid=$!
exec 7> "$dir/go" 8< "$dir/said"
read -r -t 300 line <&8
expect "as many areas as can be" "all there" "$line"
if [ "$PLATFORM" = systrap ] && [ "$(cat /proc/sys/vm/max_map_count)" -le 65530 ]; then
	expect "areas: who has a window" 1 "$(mapped $pid "$dir/root/file")" # the Sentry
fi
if [ "$PLATFORM" = systrap ]; then # one that was taken over shall not fill the host's table of open files
	for p in $(descendants $pid); do
		! grep -q moat-sentry "/proc/$p/cmdline" || break
	done
	files=$(awk '/^Max open files/ { print $5 }' "/proc/$p/limits")
	[ "$files" -le 2048 ] || expect "the Sentry's descriptors" "2048 or fewer" "$files"
fi
echo >&7
exec 7>&-
wait $pid
expect "areas: status" 0 $?
expect "areas: errors" "" "$(cat "$dir/err")"

# ---- more files than there may be windows ----
mkdir "$dir/root/many"
for ((i = 0; i < 900; i++)); do echo $i > "$dir/root/many/$i"; done
expect "900 files at once" "" "$(MOAT_OPTS="--rootfs $dir/root" inside /windows many /many 900 2>&1)"
done_testing
