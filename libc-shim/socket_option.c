/* SPDX-License-Identifier: ISC */
/*
 * POSIX.1-2017 getsockopt, setsockopt, getsockname, getpeername.  Options that
 * ask for what is so anyway, or make no difference here, are taken and kept
 * for nobody, as programs set them without a second thought.
 */
#include <string.h>
#include <sys/time.h>

#include "libc-shim/clock.h"
#include "libc-shim/shim.h"
#include "libc-shim/socket_call.h"

void
socket_name_copy(
    struct sockaddr *to, socklen_t *len, const void *from, socklen_t have)
{
	memcpy(to, from, *len < have ? *len : have);
	*len = have;
}

static int
name(int fd, bool peer, struct sockaddr *a, socklen_t *len)
{
	struct socket *s;
	int err = socket_get(fd, &s);

	if (err != 0)
		return err;
	err = s->ops->name(s, peer, a, len);
	file_put(&s->file);
	return err;
}

PUBLIC int
getsockname(int fd, struct sockaddr *restrict a, socklen_t *restrict len)
{
	return (int)posix_result(name(fd, false, a, len));
}

PUBLIC int
getpeername(int fd, struct sockaddr *restrict a, socklen_t *restrict len)
{
	return (int)posix_result(name(fd, true, a, len));
}

static int
give(void *v, socklen_t *len, const void *from, socklen_t have)
{
	if (*len > have)
		*len = have;
	memcpy(v, from, *len);
	return 0;
}

static int
give_time(void *v, socklen_t *len, uint64_t ns)
{
	struct timeval tv = {
	    (time_t)(ns / NS_PER_S), (suseconds_t)(ns % NS_PER_S / 1000)};

	return give(v, len, &tv, sizeof(tv));
}

static int
take_time(const void *v, socklen_t len, uint64_t *ns)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, v, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		*ns = 1; /* as Linux: it never waits */
	else if ((uint64_t)tv.tv_sec >= NS_NEVER / NS_PER_S)
		*ns = 0;
	else
		*ns = (uint64_t)tv.tv_sec * NS_PER_S +
		      (uint64_t)tv.tv_usec * 1000;
	return 0;
}

static int
get(struct socket *s, int option, void *v, socklen_t *len)
{
	int n = 0;

	switch (option) {
	case SO_RCVTIMEO:
		return give_time(v, len, s->recv_ns);
	case SO_SNDTIMEO:
		return give_time(v, len, s->send_ns);
	case SO_TYPE:
		n = s->type;
		break;
	case SO_DOMAIN:
		n = s->family;
		break;
	case SO_PROTOCOL:
		n = s->protocol;
		break;
	case SO_ERROR:
		n = s->ops->error != NULL ? s->ops->error(s) : 0;
		break;
	case SO_ACCEPTCONN:
		n = s->ops->listening != NULL && s->ops->listening(s);
		break;
	case SO_RCVBUF:
	case SO_SNDBUF:
		n = 65536;
		break;
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
		break;
	default:
		return -ENOPROTOOPT;
	}
	return give(v, len, &n, sizeof(n));
}

static int
set(struct socket *s, int option, const void *v, socklen_t len)
{
	switch (option) {
	case SO_RCVTIMEO:
		return take_time(v, len, &s->recv_ns);
	case SO_SNDTIMEO:
		return take_time(v, len, &s->send_ns);
	case SO_REUSEADDR:
	case SO_REUSEPORT:
	case SO_KEEPALIVE:
	case SO_BROADCAST:
	case SO_RCVBUF:
	case SO_SNDBUF:
		return len < sizeof(int) ? -EINVAL : 0;
	}
	return -ENOPROTOOPT;
}

PUBLIC int
getsockopt(
    int fd, int level, int option, void *restrict v, socklen_t *restrict len)
{
	struct socket *s;
	int err = socket_get(fd, &s);

	if (err != 0)
		return (int)posix_result(err);
	if (level == SOL_SOCKET)
		err = get(s, option, v, len);
	else
		err = s->ops->get == NULL
			  ? -ENOPROTOOPT
			  : s->ops->get(s, level, option, v, len);
	file_put(&s->file);
	return (int)posix_result(err);
}

PUBLIC int
setsockopt(int fd, int level, int option, const void *v, socklen_t len)
{
	struct socket *s;
	int err = socket_get(fd, &s);

	if (err != 0)
		return (int)posix_result(err);
	if (level == SOL_SOCKET)
		err = set(s, option, v, len);
	else
		err = s->ops->set == NULL
			  ? -ENOPROTOOPT
			  : s->ops->set(s, level, option, v, len);
	file_put(&s->file);
	return (int)posix_result(err);
}
