/*
 * mqueue_thread.h - boot's call that gives mq_notify(2) its netlink sockets.
 */
#ifndef MOAT_SYS_MQUEUE_THREAD_H
#define MOAT_SYS_MQUEUE_THREAD_H

void mq_thread_init(void);

#endif
