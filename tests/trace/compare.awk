# SPDX-License-Identifier: GPL-2.0
#
# Compares the exits of the guests of steps.c on two hosts, guest by guest.
# Called by run.sh with differences.txt, AMD-V's trace and VT-x' trace. Prints
# KTAP: a guest passes when both hosts had the same exits, of the same kinds at
# the same RIPs in the same order, but for those that differences.txt lists.
# An entry of the list that nothing needs any more fails, too.

FNR == 1 {
	file++
	step = ""
}

file == 1 {
	if ($0 ~ /^#/ || NF < 4)
		next
	entry[++entries] = $1 " " $2 " " $3
	next
}

{
	vendor = file == 2 ? "amd" : "vtx"
}

/tracing_mark_write: step / {
	step = $NF
	if (!(step in known)) {
		known[step] = 1
		order[++count] = step
	}
	seen[step, vendor] = 1
	next
}

/tracing_mark_write: end / {
	exits[step, vendor] = exits[step, vendor] "end " $NF "\n"
	step = ""
	next
}

/ lodge_exit: / && step != "" {
	kind = $0
	sub(/.* reason /, "", kind)
	sub(/ .*/, "", kind)
	rip = $0
	sub(/.* rip /, "", rip)
	sub(/ .*/, "", rip)
	if (!listed(step, kind, vendor))
		exits[step, vendor] = exits[step, vendor] kind " " rip "\n"
}

function listed(step, kind, vendor,    i, w, found) {
	for (i = 1; i <= entries; i++) {
		split(entry[i], w, " ")
		if ((w[1] == "*" || w[1] == step) && w[2] == kind &&
		    (w[3] == "both" || w[3] == vendor)) {
			used[i] = 1
			found = 1
		}
	}
	return found
}

function show(step, vendor,    n, i, line) {
	n = split(exits[step, vendor], line, "\n")
	for (i = 1; i < n; i++)
		print "# " vendor ": " line[i]
}

END {
	print "TAP version 13"
	print "1.." count + 1
	for (i = 1; i <= count; i++) {
		step = order[i]
		good = (step, "amd") in seen && (step, "vtx") in seen &&
		       exits[step, "amd"] == exits[step, "vtx"] &&
		       exits[step, "amd"] ~ /end/
		if (!good) {
			show(step, "amd")
			show(step, "vtx")
		}
		printf "%sok %d trace.%s\n", good ? "" : "not ", i, step
		bad += !good
	}
	for (i = 1; i <= entries; i++) {
		if (i in used || entry[i] ~ /^\* /)
			continue
		print "# nothing needs this any more: " entry[i]
		unused = 1
	}
	printf "%sok %d trace.differences\n", unused || !count ? "not " : "",
	       count + 1
	exit bad || unused || !count
}
