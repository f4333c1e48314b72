#!/bin/bash
# moat install: the entry in the configuration of containerd, docker and CRI-O. What else a file says stays byte by byte, a
# second time changes nothing, a file that is not understood is left alone, and without a yes nothing is written. python's own
# parsers (and containerd's, where it is) say what a file means.
. "$(dirname "$0")/../apps/common"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
install() { "$MOAT" install --runtime /opt/moat "$@" < /dev/null; }
toml() { # FILE EXPRESSION over t
	python3 -c 'import sys, tomllib; t = tomllib.load(open(sys.argv[1], "rb")); print(eval(sys.argv[2]))' "$1" "$2"
}
both() { echo "$1 $("${@:2}" 2>&1)"; }
same_but() { # OLD NEW: lines that NEW lost
	diff "$1" "$2" | grep -c '^<'
}

# Nothing there yet.
install --containerd new/c.toml --docker d.json --crio k.conf > out 2>&1
expect "without an answer" 1 $?
expect "nothing is written" "no" "$([ -e d.json ] || [ -e new ] || [ -e k.conf ] || echo no)"
expect "but shown" 3 "$(grep -c '^+++' out)"
install --dry-run --docker d.json > out 2>&1
expect "--dry-run" "0 no" "$? $([ -e d.json ] || echo no)"
install --yes --containerd new/c.toml --docker d.json --crio k.conf > out 2>&1
expect "--yes" 0 $?
cri='t["plugins"]["io.containerd.grpc.v1.cri"]["containerd"]["runtimes"]'
expect "containerd" "{'runc': {'runtime_type': 'io.containerd.runc.v2'}, 'moat': {'runtime_type': 'io.containerd.runc.v2', 'options': {'BinaryName': '/opt/moat'}}}" \
	"$(toml new/c.toml "$cri")"
expect "docker" '{"runtimes":{"moat":{"path":"/opt/moat"}}}' "$(jq -c . d.json)"
expect "CRI-O" "{'crio': {'runtime': {'runtimes': {'moat': {'runtime_path': '/opt/moat', 'runtime_type': 'oci', 'runtime_root': '/run/moat'}}}}}" \
	"$(toml k.conf t)"
install --yes --containerd new/c.toml --docker d.json --crio k.conf > out 2>&1
expect "again" "0 3" "$? $(grep -c 'nothing to change' out)"
expect "no other file" "d.json k.conf new out" "$(echo *)"

# Files that say more. The diff is one that patch takes.
cat > c.toml << 'X'
# ours
version = 2 # not 1
root = '''/var/lib/
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.moat]'''
imports = ["a", # [x]
	"b]"]
[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    enable_x = true
    [plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes . runc]	# kept
      runtime_type = "io.containerd.runc.v2"
      annotations = { "a.b" = [1, 2], c = "}" }
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.moat.options]
      BinaryName = "/old/moat"   # where it was
      SystemdCgroup = true
[[list]]
a = 1
X
printf 'end = 1' >> c.toml
cp c.toml old.toml
chmod 640 c.toml
ln -s c.toml link.toml
install --yes --containerd link.toml > out 2>&1
expect "containerd, a full one" 0 $?
expect "is set" "/opt/moat True io.containerd.runc.v2" "$(toml c.toml "' '.join(map(str, [$cri['moat']['options']['BinaryName'],
	$cri['moat']['options']['SystemdCgroup'], $cri['moat']['runtime_type']]))")"
expect "one line changed" 1 "$(same_but <(cat old.toml; echo) c.toml)"
expect "whose comment stays" 1 "$(grep -c '"/opt/moat"   # where it was' c.toml)"
expect "mode and link stay" "640 c.toml" "$(stat -c %a c.toml) $(readlink link.toml)"
sed -n '/^---/,/^[a-z].*: written/p' out | sed '$d; s/link.toml/old.toml/' | patch -s old.toml
expect "the diff says it" 0 "$(cmp old.toml c.toml > cmp; echo $?)"
echo 'version = 3' > 3.toml
install --yes --containerd 3.toml > out
expect "version 3" "/opt/moat" "$(toml 3.toml 't["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]["moat"]["options"]["BinaryName"]')"
if command -v containerd > out; then
	containerd config default > default.toml
	install --yes --containerd default.toml > out
	expect "containerd reads its own, edited" 'BinaryName = "/opt/moat"' \
		"$(containerd -c default.toml config dump | sed -n '/runtimes.moat.options/,/BinaryName = ./s/^ *\(BinaryName = "..*"\)/\1/p')"
fi

cat > d.json << 'X'
{
	"log-driver": "json-file", "x}": "a\"{\\",
	"runtimes": {
		"crun": {"path": "/usr/bin/crun", "runtimeArgs": ["--debug", {"path": 1}]}
	},
	"dns": [ ]
}
X
cp d.json old.json
install --yes --docker d.json > out
expect "docker, a full one" 0 "$(same_but old.json d.json)"
jq '.runtimes.moat = {path: "/opt/moat"}' old.json > want.json
expect "means that" "" "$(diff <(jq -S . want.json) <(jq -S . d.json))"
install --yes --docker d.json --name moat2 > out
install --yes --docker d.json --name moat2 --runtime /usr/bin/moat > out
expect "another name, another path" '["crun","moat","moat2"] /usr/bin/moat' "$(jq -cr '.runtimes | keys' d.json) $(jq -r .runtimes.moat2.path d.json)"
for text in '{}' '{ }' '{"runtimes":{}}' '{"runtimes":{"moat":{}}}' '{"runtimes":{"moat":{"path":"/x","runtimeArgs":[]}},"a":1}' '{"a":"runtimes"}'; do
	echo "$text" > s.json
	install --yes --docker s.json > out 2>&1
	expect "$text" "$(jq -cS '.runtimes.moat.path = "/opt/moat"' <<< "$text")" "$(jq -cS . s.json)"
done

# Files that are not understood stay as they are.
refused() { # OPTION TEXT LINE
	printf %s "$2" > bad
	install --yes "$1" bad > out 2>&1
	expect "$1: $3" "1 moat: bad: $3" "$? $(tail -n 1 out)"
	expect "and left alone" "$2" "$(cat bad)"
}
refused --docker '{"a": 1,}' "line 1: string or '}' expected near '}'"
refused --docker '[1]' "it is no JSON object"
refused --docker '{"runtimes": 3}' '"runtimes" is no object'
refused --docker '{"a":1, "a":2}' "line 1: duplicate object key near '\"a\"'"
refused --containerd 'root = "/x"' "it is of version 1, not 2 or 3; 'containerd config migrate' prints it as a later one"
refused --containerd 'version = 4' "it is of version 4, not 2 or 3; 'containerd config migrate' prints it as a later one"
v2=$'version = 2\n'
refused --containerd "$v2[plugins" "line 2: a table's header that does not end"
refused --containerd "${v2}a = \"x" "line 2: a string that does not end"
refused --containerd "${v2}a = [1," "line 2: a list that does not end"
refused --containerd "${v2}a 1" "line 2: a key without '='"
refused --containerd "${v2}a =" "line 2: a value is missing"
refused --containerd "${v2}a = 1 b = 2" "line 2: more than one thing on a line"
refused --containerd "${v2}plugins = { x = 1 }" "line 2: an inline table: write it as a table of its own first"
refused --crio '[crio.runtime.runtimes]
moat.runtime_root = "/x"' "line 2: dotted keys of a table: write it as a table of its own first"
mkdir folder
expect "a directory" "moat: folder: is no configuration file" "$(install --yes --crio folder 2>&1)"
expect "a bad name" "moat: --name 'a b': use letters, digits, dots, _ and - alone" "$(install --yes --name 'a b' --crio bad 2>&1)"
expect "a bad path" "moat: --runtime 'moat': must be an absolute path" "$(install --yes --runtime moat --crio bad 2>&1)"
expect "no file" 1 "$("$MOAT" install > out 2>&1; echo $?)"
echo '{ }' > full.json
expect "a full disk" "moat: $dir/full.json: File too large { }" "$( (ulimit -f 0; trap '' XFSZ; install --yes --docker full.json 2>&1 > /dev/null)) $(cat full.json)"
done_testing
