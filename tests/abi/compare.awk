# SPDX-License-Identifier: GPL-2.0
#
# Compares what one program printed on stock KVM with what it printed on the
# device under test. Called by inside.sh with the files differences.txt, KVM's
# and the device's output, and the variables program, kernel ("6.12") and
# hardware ("vt-x", "amd-v").
#
# A test of the device passes if it passed there; it is reported as a skip if
# it was skipped there, or failed, for a reason that differences.txt gives. A
# test that KVM passes and the device skips without such a reason fails, and
# so does one that the device never reported. Last comes one result for the
# "# value" lines, which have to be the same ones.

BEGIN {
	file = 0
	bad = 0
}

FNR == 1 {
	file++
}

# "WHERE PROGRAM.NAME REASON...": * for everywhere, NAME may end in *.
file == 1 {
	if ($0 ~ /^#/ || NF < 3 ||
	    ($1 != "*" && $1 != kernel && $1 != hardware))
		next
	reason = $0
	sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "", reason)
	listed[$2] = reason
	next
}

# Some versions of the harness leave the name out of a skip's result.
/^# +RUN / {
	running = $3
	next
}

/^(not )?ok [0-9]+ / {
	state = $1 == "ok" ? "ok" : "not ok"
	line = $0
	sub(/^(not )?ok [0-9]+ (- )?/, "", line)
	why = ""
	if (match(line, / *# *SKIP */)) {
		state = "skip"
		why = substr(line, RSTART + RLENGTH)
		line = substr(line, 1, RSTART - 1)
	}
	sub(/[ \t].*$/, "", line)
	if (line == "")
		line = running
	if (file == 2) {
		kvm[line] = state
		if (!(line in known)) {
			known[line] = 1
			order[++count] = line
		}
	} else {
		device[line] = state
		device_why[line] = why
		said[line] = notes
		if (!(line in known)) {
			known[line] = 1
			order[++count] = line
		}
	}
	notes = ""
	next
}

/^# value / {
	name = substr($3, 1, index($3, "=") - 1)
	value = $0
	sub(/^# value [^=]*=/, "", value)
	if (!((file, name) in values))
		values[file, name] = value
	else
		values[file, name] = values[file, name] ", " value
	if (!(name in value_known)) {
		value_known[name] = 1
		value_order[++value_count] = name
	}
	next
}

/^# exit / {
	ended[file] = $3
	next
}

# The rest are notes on the next result: kept for when it is a failure.
file == 3 && !/^(TAP|KTAP|1\.\.)/ && !/^# +(OK|SKIP) / && \
!/^# (Starting|PASSED|FAILED|Totals)/ {
	if (length(notes) < 4000)
		notes = notes $0 "\n"
}

function reason_for(name,    i, parts, n, prefix) {
	if ((program "." name) in listed)
		return listed[program "." name]
	for (i in listed) {
		if (i !~ /\*$/)
			continue
		prefix = substr(i, 1, length(i) - 1)
		if (index(program "." name, prefix) == 1)
			return listed[i]
	}
	return ""
}

function report(good, name, note, text) {
	number++
	printf "%s%s %d %s.%s%s\n", text, (good ? "ok" : "not ok"),
	       number, program, name, note
	if (!good)
		bad = 1
}

END {
	print "1.." count + 1
	for (i = 1; i <= count; i++) {
		name = order[i]
		reason = reason_for(name)
		if (!(name in device)) {
			report(0, name, "", "# never reported; the program " \
			       "ended with status " ended[3] "\n" notes)
			notes = ""
		} else if (device[name] == "ok") {
			note = ""
			if (kvm[name] != "ok")
				note = "# on KVM: " kvm[name] "\n"
			report(1, name, "", note)
		} else if (reason != "") {
			report(1, name, " # SKIP " reason, "")
		} else if (device[name] == "skip" && kvm[name] != "ok") {
			report(1, name, " # SKIP " device_why[name], "")
		} else if (device[name] == "skip") {
			report(0, name, "", "# skipped (" device_why[name] \
			       ") but KVM passes\n")
		} else {
			report(0, name, "", said[name] "# on KVM: " \
			       kvm[name] "\n")
		}
	}
	different = ""
	for (i = 1; i <= value_count; i++) {
		name = value_order[i]
		a = values[2, name]
		b = values[3, name]
		if (a == b || reason_for(name) != "")
			continue
		different = different "# value " name ": KVM " a \
			    ", here " b "\n"
	}
	if (count == 0)
		different = "# no test was reported; the program ended with " \
			    "status " ended[3] "\n" notes
	report(different == "", "values", "", different)
	exit bad
}
