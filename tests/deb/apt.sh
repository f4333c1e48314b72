#!/bin/bash
# apt-get and dpkg with a repository of their own.
# kvm: full
. "$(dirname "$0")/common"
expect "apt" "program 1
configure 1
program 2
moat-test	2
200
ls: cannot access '/usr/share/moat-test': No such file or directory
ls: cannot access '/var/lib/moat-test': No such file or directory" "$(inside bash -c "$(body apt)" 2>&1)"
done_testing
