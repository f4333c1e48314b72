/*
 * error.h - how host code reports failure: the function returns -1 (or NULL) and fills a struct
 * error with an errno and one line for the user. Callers add what they were doing in front as the
 * error travels up, so that the line ends up naming the file, the value and the remedy. No locks,
 * no allocation; a NULL struct error * is allowed everywhere.
 */
#ifndef MOAT_HOST_ERROR_H
#define MOAT_HOST_ERROR_H

#define ERROR_MSG_MAX 512

struct error {
	int err; /* errno value; 0 where no errno fits */
	char msg[ERROR_MSG_MAX];
};

/* Set err and the message. Returns -1, so that "return error_set(...)" reads well. */
int error_set(struct error *e, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with errno, and ": strerror(errno)" behind the message. */
int error_errno(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "context: " in front of the message that is there. Keeps err. Returns -1. */
int error_wrap(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
