# layers.awk - reads `nm -A -g` of the guest's objects and reports each symbol that a lower layer needs and only higher
# ones define. A function reached through an ops table that the upper layer registered is not a symbol needed below.
# Variables: top (prefix of the object paths), platform, allow (file of exceptions: "layer symbol reason"; "*" is any
# layer, and a symbol may end in "*").
BEGIN {
	# main: files of guest/ itself, the boot order. The ELF loader is shared with the host and knows lib alone.
	n = split("lib loader platform ring mm task fs ipc net uring dev sys container main", order, " ")
	for (i = 1; i <= n; i++)
		rank[order[i]] = i
	while ((getline line < allow) > 0) {
		if (line !~ /^#/ && split(line, w, " ") >= 3)
			ok[w[1] " " w[2]] = 1
	}
}

function allowed(from, sym,    i) {
	if (((from " " sym) in ok) || (("* " sym) in ok))
		return 1
	for (i = 1; i < length(sym); i++)
		if ((from " " substr(sym, 1, i) "*") in ok)
			return 1
	return 0
}

function layer_of(path) {
	path = substr(path, length(top) + 1)
	if (path ~ /^loader\//)
		return "loader"
	split(path, part, "/")
	return part[3] == "" ? "main" : part[2]
}

{
	file = $0
	sub(/:[^:]*$/, "", file)
	layer = layer_of(file)
	kind = $(NF - 1)
	sym = $NF
	if (!(layer in rank)) {
		if (!(layer in told))
			print "layers: guest/" layer " is no layer of design; add it to scripts/layers.awk"
		told[layer] = bad = 1
		next
	}
	if (kind == "U" || kind == "w") {
		need[sym] = need[sym] " " file
	} else if (!(sym in low) || rank[layer] < rank[low[sym]]) {
		low[sym] = layer
	}
}

END {
	for (sym in need) {
		if (!(sym in low))
			continue
		m = split(need[sym], files, " ")
		for (i = 1; i <= m; i++) {
			from = layer_of(files[i])
			if (rank[from] < rank[low[sym]] && !allowed(from, sym)) {
				print platform ": " substr(files[i], length(top) + 1) " (" from ") needs " sym \
					", which only " low[sym] " defines" | "sort"
				bad = 1
			}
		}
	}
	close("sort")
	exit bad
}
