/* sys_arch.h - lwIP runs without an operating system's tasks (NO_SYS): nothing to declare. */
