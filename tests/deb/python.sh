#!/bin/bash
# Python's own tests: the same pass as on the machine's kernel, but for those of python.differences.
# kvm: short
. "$(dirname "$0")/common"
modules=(test_os test_posix test_mmap test_select test_epoll test_fcntl test_pty test_tempfile test_shutil test_time
	test_httplib test_urllib2_localnet)
[ -z "${TEST_FULL:-}" ] || modules+=(test_subprocess test_signal test_threading test_io test_multiprocessing_main_handling
	test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn test_asyncio
	test_socket test_ssl)
seconds=380
# On the emulated CPU: what the platform matters for. There test_subprocess alone takes minutes.
if [ "$PLATFORM" = kvm ]; then
	seconds=900
	modules=(test_mmap test_os)
	[ -z "${TEST_FULL:-}" ] || modules+=(test_subprocess test_threading test_signal)
fi
[ -z "${PYTHON_TESTS:-}" ] || read -r -a modules <<< "$PYTHON_TESTS"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Alone each: two at a time make tests that measure time fail on two CPUs.
native python3 -c "$(body python.py)" $seconds "${modules[@]}" > "$dir/native" 2>&1 || { tail -n 5 "$dir/native"; exit 1; }
inside python3 -c "$(body python.py)" $seconds "${modules[@]}" > "$dir/inside" 2>&1 || { tail -n 5 "$dir/inside"; exit 1; }

good=$(grep -c '^ok' "$dir/native")
[ "$good" -gt 250 ] || [ -n "${PYTHON_TESTS:-}" ] || expect "tests that pass natively" "more than 250" "$good"
# What gave no report natively is no oracle.
for module in "${modules[@]}"; do
	grep -qx "ok test.$module" "$dir/native" || expect "$module, natively" "a report" "$(grep "^# $module: " "$dir/native")"
done
worse=$(grep '^ok ' "$dir/native" | grep -vxFf <(grep '^ok ' "$dir/inside") | cut -c4- | sort -u)
declare -A used
while read -r name; do
	[ -n "$name" ] || continue
	known=
	while read -r pattern reason; do
		# shellcheck disable=SC2053
		[[ $name == ${pattern%\~} ]] && known=$reason used[$pattern]=1
	done < <(grep -v '^#' "$here/python.differences")
	[ -n "$known" ] || expect "$name" ok "$(grep -F " $name" "$dir/inside" || echo absent)"
done <<< "$worse"
while read -r pattern reason; do
	module=${pattern#test.} module=${module%%.*}
	[[ $pattern == *\~ || -n ${used[$pattern]:-} || " ${modules[*]} " != *" $module "* ]] ||
		expect "python.differences: $pattern ($reason)" "a test that does not pass" none
done < <(grep -v '^#' "$here/python.differences")
grep '^#' "$dir/inside"
echo "$good tests pass natively, $(grep -c . <<< "$worse") of them not inside"
done_testing
