#!/bin/bash
# Perl's own tests of its operators and of input and output: the same files pass as on the machine's kernel.
. "$(dirname "$0")/common"
top=$here/../..
[ -d "$top/third_party/perl/t" ] || "$top/scripts/thirdparty.sh" perl >&2 || skip "no source package of perl (above)"
cd "$top/third_party/perl" || exit 1
files=(t/op/{alarm,chdir,chop,die_exit,exec,fork,glob,kill0,magic,rand,read,readline,require_errors,sleep,stat,sysio,time,utf8decode}.t
	t/io/{dup,errno,fs,open,pipe,read,say,tell}.t)
[ -z "${TEST_FULL:-}" ] || files=(t/op/*.t t/io/*.t)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tar c t | native bash -c "$(body perl)" perl "${files[@]#t/}" > "$dir/native" 2>&1
tar c t | inside bash -c "$(body perl)" perl "${files[@]#t/}" > "$dir/inside" 2>&1
good=$(grep -c '^ok' "$dir/native")
[ $((good * 10)) -ge $((${#files[@]} * 8)) ] || expect "files that pass natively" "most of ${#files[@]}" "$good"
while read -r line; do
	name=${line#ok }
	grep -qxF "$line" "$dir/inside" && continue
	grep -q "^${name} " "$here/perl.differences" && continue
	expect "$name" "$line" "$(grep -F " $name" "$dir/inside" || echo absent)"
done < <(grep '^ok' "$dir/native")
echo "$good of ${#files[@]} files pass natively"
done_testing
