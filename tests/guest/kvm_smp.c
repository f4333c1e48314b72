/*
 * kvm_smp.c - four CPUs: kicks at random, a shootdown race, spinlocks.
 */
#include "tests/guest/kvm_test.h"

void test_smp(void)
{
}
