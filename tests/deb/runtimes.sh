#!/bin/bash
# Language runtimes with threads: OpenJDK, Node.
# kvm: full
. "$(dirname "$0")/common"
expect "java" "9950000 100000
30000
stack overflow caught
through a pipe 0
heap fits" "$(MOAT_OPTS='--memory 1G' inside bash -c "$(body java)" 2>&1)"
expect "node" "800000
1000000
sub
watched
hello" "$(inside bash -c "$(body node)" 2>&1)"
done_testing
