# SPDX-License-Identifier: GPL-2.0
#
# Reads KTAP from one part of the tests and counts. Called by
# run.sh with the variables
#	name		the part, for messages
#	counts		the file for "PASSED FAILED SKIPPED"
#	vendors		the file that lines "VENDOR WHAT" are added to, one for each
#			result, where a line "# on VENDOR [and VENDOR]" came before
#	troubles	the file that failures and skips are added to
# Only leaves count: the line that sums up subtests is checked against them.
# A skip without a reason and a test that a plan promised but that never
# reported are failures, and so is a part that reports nothing.

BEGIN {
	passed = failed = skipped = 0
	top = 0
}

/^# on (AMD-V|VT-x)( and VT-x)?$/ {
	close_documents(0)
	split(substr($0, 6), on, " and ")
	next
}

function tell(what,    i)
{
	for (i in on)
		print on[i], what >>vendors
}

function trouble(what)
{
	print what >>troubles
}

function fail(why)
{
	failed++
	tell("failed")
	trouble("FAIL " name ": " why)
}

function skip(text)
{
	skipped++
	tell("skipped")
	trouble("SKIP " name ": " text)
}

# A document at this indentation, and those inside it, have ended.
function close_documents(depth,    d)
{
	for (d = top; d >= depth; d--) {
		if (plan[d] != "" && seen[d] < plan[d])
			fail((plan[d] - seen[d]) " of " plan[d] \
			     " planned tests never reported (last: " last[d] ")")
		delete plan[d]
		delete seen[d]
		delete last[d]
	}
	if (top >= depth)
		top = depth > 0 ? depth - 1 : 0
}

function indentation(line)
{
	match(line, /^ */)
	return RLENGTH
}

/^ *K?TAP version/ {
	close_documents(indentation($0))
	next
}

/^ *1\.\.[0-9]+/ {
	depth = indentation($0)
	# A second plan without a version line begins a second document.
	if (plan[depth] != "")
		close_documents(depth)
	if (depth > top)
		top = depth
	text = $0
	sub(/^ *1\.\./, "", text)
	plan[depth] = text + 0
	if (text ~ /# *[Ss][Kk][Ii][Pp]/)
		skip(text)
	next
}

/^ *(not )?ok( |$)/ {
	depth = indentation($0)
	good = $0 !~ /^ *not ok/
	text = $0
	sub(/^ *(not )?ok *[0-9]* *-? */, "", text)

	# Results further in since the last one here: this line sums them up.
	inner = children[depth]
	inner_failed = children_failed[depth]
	children[depth] = children_failed[depth] = 0
	close_documents(depth + 1)
	if (depth > top)
		top = depth
	seen[depth]++
	last[depth] = text
	before = failed
	if (inner) {
		if (!good && !inner_failed)
			fail(text)
		else if (good && inner_failed)
			fail(text ": passed although a subtest failed")
	} else if (!good) {
		fail(text)
	} else if (match(text, /# *([Ss][Kk][Ii][Pp]|[Xx][Ff][Aa][Ii][Ll])/)) {
		reason = substr(text, RSTART + RLENGTH)
		if (reason ~ /[A-Za-z]/) {
			skip(text)
		} else {
			fail(text ": a skip without a reason")
		}
	} else {
		passed++
		tell("passed")
	}
	for (d = 0; d < depth; d++) {
		children[d]++
		if (failed > before || !good)
			children_failed[d] = 1
	}
	next
}

/^ *Bail out!/ {
	fail($0)
}

END {
	close_documents(0)
	if (passed + failed + skipped == 0)
		fail("reported nothing")
	print passed, failed, skipped >counts
}
