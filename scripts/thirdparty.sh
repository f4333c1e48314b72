#!/bin/bash
# thirdparty.sh - fetches what is not ours into third_party/ (ignored by git):
#   third_party/musl, lwip          Debian source packages at the versions pinned below
#   third_party/vm/{cloud,full}     kernel and the modules that tests/vm uses
#   third_party/perl                perl's own tests, when tests/deb/perl.sh asks for them
#   third_party/arm64/busybox       an arm64 program for the qemu-user-static test
#   third_party/qemu                the emulator of tests/vm, from backports where this machine's own is older than 10:
#                                   7.2 keeps translations of patched code and loses a virtual machine's registers
# The machine's own Debian entries are used (any mirror, any format), through apt with private lists, so that no system
# file changes and apt checks every signature. A stamp per item holds its version; what is there is not fetched again.
# usage: thirdparty.sh [item...]
set -u
cd "$(dirname "$0")/.." || exit 1

MUSL=1.2.3-1
LWIP=2.1.3+dfsg1-2
KERNELS='cloud full'
# Besides these, whatever they depend on.
CLOUD_MODULES='irqbypass kvm kvm-amd virtio_pci virtio_console tun veth bridge
	sch_ingress cls_bpf sch_netem af_packet_diag'
# The last line is for a disk with a Debian tree (tests/deb) and changes to it in memory.
FULL_MODULES="$CLOUD_MODULES 9pnet 9pnet_fd 9p
	crc32c_generic virtio_blk ext4 overlay"

tp=$PWD/third_party
work=$tp/.fetch

die() { echo "thirdparty: $*" >&2; exit 1; }
why() { grep -m1 ^E: "$work/log" || tail -n 1 "$work/log"; } # the last word of a failed apt
have() { [ "$(cat "$tp/.stamp-$1" 2>/dev/null)" = "$2" ]; }
stamp() { echo "$2" >"$tp/.stamp-$1"; }

# apt with private lists and cache. Only the first use writes the entries and updates, and only it needs the network
# besides the downloads themselves.
apt_private() {
	apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
		-o Dir::State::status=/dev/null -o APT::Sandbox::User= -o Acquire::Languages=none \
		-o APT::Architectures::=amd64 -o APT::Architectures::=arm64 \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb-src::Contents-dsc::DefaultEnabled=false \
		-o Acquire::Retries=2 "$@" >"$work/log" 2>&1
}

own_entries() { # "URI SUITE COMPONENT" of each entry of this machine whose release file says Debian
	apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sed -n 's/^Debian|//p' | grep ' main$' | sort -u
}

prepare() {
	[ -e "$work/ready" ] && return
	rm -rf "$work"
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" || die "cannot write $work"
	: >"$work/log"
	local entries key=
	entries=$(own_entries)
	if [ -z "$entries" ]; then
		local sudo=
		[ "$(id -u)" = 0 ] || sudo=sudo
		$sudo apt-get -q update >>"$work/log" 2>&1
		entries=$(own_entries)
	fi
	[ -n "$entries" ] || die "no Debian entry in this machine's apt sources (apt-get indextargets)"
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] &&
		key='signed-by=/usr/share/keyrings/debian-archive-keyring.gpg'
	while read -r uri suite comp; do
		echo "deb [arch=amd64,arm64 $key] $uri $suite $comp"
		echo "deb-src [$key] $uri $suite $comp"
		[ "$suite" != bookworm ] || echo "deb [arch=amd64 $key] $uri $suite-backports $comp"
	done <<<"$entries" >"$work/sources.list"
	echo 'thirdparty: reading the package lists of this machine'"'"'s Debian mirror'
	apt_private update --error-on=any || die "cannot read the package lists: $(why)"
	touch "$work/ready"
}

fetch_source() { # NAME VERSION
	have "$1" "$2" && return
	prepare
	echo "thirdparty: $1 $2"
	rm -rf "$work/src" "${tp:?}/$1"
	mkdir -p "$work/src"
	(cd "$work/src" && apt_private source "$1=$2") ||
		die "apt-get source $1=$2 failed: $(why)"
	mv "$work"/src/"$1"-*/ "$tp/$1" || die "the source package $1=$2 has no folder $1-*"
	rm -rf "$work/src"
	stamp "$1" "$2"
}

fetch_deb() { # PACKAGE[:ARCH][/SUITE] -> path of the .deb on stdout
	rm -rf "$work/deb"
	mkdir -p "$work/deb"
	(cd "$work/deb" && apt_private download "$1") ||
		die "apt-get download $1 failed: $(why)"
	echo "$work"/deb/*.deb
}

fetch_arm64() {
	have arm64 1 && return
	prepare
	echo 'thirdparty: busybox-static:arm64'
	local deb
	deb=$(fetch_deb busybox-static:arm64) || exit 1
	mkdir -p "$tp/arm64"
	dpkg-deb --fsys-tarfile "$deb" | tar -xO ./bin/busybox >"$tp/arm64/busybox" ||
		die "$deb holds no bin/busybox"
	chmod 755 "$tp/arm64/busybox"
	rm -rf "$work/deb"
	stamp arm64 1
}

# Its own tests, for tests/deb/perl.sh alone; the version that the mirror has, as the Debian root's is.
fetch_perl() {
	have perl 1 && return
	prepare
	echo 'thirdparty: the tests of perl'
	rm -rf "$work/src" "$tp/perl"
	mkdir -p "$work/src" "$tp/perl"
	(cd "$work/src" && apt_private source perl/bookworm) || die "apt-get source perl failed: $(why)"
	mv "$work"/src/perl-*/t "$tp/perl/" || die "the source package perl has no folder t"
	rm -rf "$work/src"
	stamp perl 1
}

fetch_qemu() {
	local major p deb
	major=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\).*/\1/p')
	[ "${major:-0}" -lt 10 ] || return 0
	have qemu 10 && return
	prepare
	echo 'thirdparty: qemu-system-x86 of bookworm-backports'
	rm -rf "$tp/qemu"
	mkdir -p "$tp/qemu"
	for p in qemu-system-x86 qemu-system-data seabios; do
		deb=$(fetch_deb "$p/bookworm-backports") || exit 1
		dpkg-deb -x "$deb" "$tp/qemu" || die "$deb cannot be unpacked"
	done
	rm -rf "$work/deb"
	"$tp/qemu/usr/bin/qemu-system-x86_64" --version >/dev/null 2>>"$work/log" ||
		die "the emulator of bookworm-backports does not start here: $(tail -n 1 "$work/log")"
	stamp qemu 10
}

module_file() { # DIR NAME -> path; module names use - and _ alike
	find "$1" -name "${2//[-_]/[-_]}.ko" | head -n 1
}

# Copies module $2 of tree $1 to $3, after those it needs, and appends to the load order.
take_module() {
	local file dep
	file=$(module_file "$1" "$2")
	[ -n "$file" ] || { echo "$2" >>"$3/builtin-or-absent"; return; }
	[ -e "$3/${file##*/}" ] && return
	for dep in $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
		take_module "$1" "$dep" "$3"
	done
	cp "$file" "$3/" && echo "${file##*/}" >>"$3/order"
}

fetch_kernel() { # cloud|full
	local flavour=$1 modules=$CLOUD_MODULES meta=linux-image-cloud-amd64 pkg deb m dir=$tp/vm/$1
	[ "$flavour" = full ] && modules=$FULL_MODULES meta=linux-image-amd64
	modules=$(echo $modules)
	have "vm-$flavour" "$modules" && return
	prepare
	# The mirror drops superseded kernels, so the version is the newest and not pinned: the name comes from the
	# meta package's one dependency.
	pkg=$(apt_show "$meta" | sed -n 's/^Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
	[ -n "$pkg" ] || die "the mirror has no $meta"
	echo "thirdparty: $pkg"
	deb=$(fetch_deb "$pkg") || exit 1
	rm -rf "$dir.new" "$work/kernel"
	mkdir -p "$dir.new/modules" "$work/kernel"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/kernel" --wildcards './boot/vmlinuz-*' \
		'./lib/modules/*/kernel/arch/x86/kvm/*' './lib/modules/*/kernel/virt/*' './lib/modules/*/kernel/net/9p/*' \
		'./lib/modules/*/kernel/fs/*' './lib/modules/*/kernel/drivers/virtio/*' \
		'./lib/modules/*/kernel/drivers/char/*' './lib/modules/*/kernel/drivers/crypto/*' \
		'./lib/modules/*/kernel/drivers/net/*.ko' './lib/modules/*/kernel/net/bridge/*' \
		'./lib/modules/*/kernel/net/802/*' './lib/modules/*/kernel/net/llc/*' './lib/modules/*/kernel/net/sched/*' \
		'./lib/modules/*/kernel/net/packet/*' \
		'./lib/modules/*/kernel/drivers/block/virtio_blk.ko' './lib/modules/*/kernel/crypto/*' \
		'./lib/modules/*/kernel/lib/*' 2>>"$work/log"
	cp "$work"/kernel/boot/vmlinuz-* "$dir.new/vmlinuz" || die "$pkg holds no kernel"
	for m in $modules; do
		take_module "$work/kernel" "$m" "$dir.new/modules"
	done
	echo "$pkg $(dpkg-deb -f "$deb" Version)" >"$dir.new/version"
	rm -rf "$dir" # whoever boots just now has a kernel a moment later
	mv "$dir.new" "$dir" || die "cannot write $dir"
	rm -rf "$work/kernel" "$work/deb"
	stamp "vm-$flavour" "$modules"
}

apt_show() {
	apt-cache -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null \
		show --no-all-versions "$1" 2>>"$work/log"
}

mkdir -p "$tp" || die "cannot write $tp"
exec 9>"$tp/.lock"
flock 9
for item in ${*:-musl lwip arm64 qemu $KERNELS}; do
	case $item in
	musl) fetch_source musl "$MUSL" ;;
	lwip) fetch_source lwip "$LWIP" ;;
	arm64) fetch_arm64 ;;
	qemu) fetch_qemu ;;
	perl) fetch_perl ;;
	cloud | full) fetch_kernel "$item" ;;
	*) die "no such item: $item (musl lwip arm64 qemu cloud full perl)" ;;
	esac
done
# The lists are large and age; they go when all is fetched.
[ $# -eq 0 ] && rm -rf "$work"
exit 0
