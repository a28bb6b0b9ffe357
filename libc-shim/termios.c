/* SPDX-License-Identifier: ISC */
/* POSIX.1-2017 <termios.h>, ttyname.  See the header for what is real. */
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "libc-shim/console_file.h"
#include "libc-shim/shim.h"

#define TTY_NAME "/dev/console"

static struct termios attributes = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = CS8 | CREAD | CLOCAL,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN,
    .c_cc = {[VINTR] = 3,
	[VQUIT] = 28,
	[VERASE] = 127,
	[VKILL] = 21,
	[VEOF] = 4,
	[VMIN] = 1,
	[VSTART] = 17,
	[VSTOP] = 19,
	[VSUSP] = 26},
    .c_ispeed = B38400,
    .c_ospeed = B38400,
};

static int
tty_check(int fd)
{
	struct file *f = file_get(fd);
	bool is;

	if (f == NULL)
		return -EBADF;
	is = file_is_console(f) && console_is_tty();
	file_put(f);
	return is ? 0 : -ENOTTY;
}

PUBLIC int
tcgetattr(int fd, struct termios *t)
{
	int err = tty_check(fd);

	if (err == 0)
		*t = attributes;
	return (int)posix_result(err);
}

PUBLIC int
tcsetattr(int fd, int when, const struct termios *t)
{
	int err = tty_check(fd);

	if (err == 0 && (when < TCSANOW || when > TCSAFLUSH))
		err = -EINVAL;
	if (err == 0)
		attributes = *t;
	return (int)posix_result(err);
}

/* Output leaves the guest before write returns. */
PUBLIC int
tcdrain(int fd)
{
	return (int)posix_result(tty_check(fd));
}

PUBLIC int
tcflow(int fd, int action)
{
	(void)action;
	return (int)posix_result(tty_check(fd));
}

/* Input that is not wanted any more. */
PUBLIC int
tcflush(int fd, int which)
{
	int err = tty_check(fd);
	char drop[64];

	if (err == 0 && which != TCOFLUSH)
		while (console_readable() &&
		       console_read(drop, sizeof(drop), true) > 0)
			;
	return (int)posix_result(err);
}

PUBLIC int
tcsendbreak(int fd, int duration)
{
	(void)duration;
	return (int)posix_result(tty_check(fd));
}

PUBLIC speed_t
cfgetispeed(const struct termios *t)
{
	return t->c_ispeed;
}

PUBLIC speed_t
cfgetospeed(const struct termios *t)
{
	return t->c_ospeed;
}

PUBLIC int
cfsetispeed(struct termios *t, speed_t speed)
{
	t->c_ispeed = speed;
	return 0;
}

PUBLIC int
cfsetospeed(struct termios *t, speed_t speed)
{
	t->c_ospeed = speed;
	return 0;
}

PUBLIC void
cfmakeraw(struct termios *t)
{
	t->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
				  IGNCR | ICRNL | IXON);
	t->c_oflag &= ~(tcflag_t)OPOST;
	t->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t->c_cflag = (t->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}

/* Returns the error number. */
PUBLIC int
ttyname_r(int fd, char *buf, size_t len)
{
	int err = tty_check(fd);

	if (err == 0 && len < sizeof(TTY_NAME))
		err = -ERANGE;
	if (err == 0)
		memcpy(buf, TTY_NAME, sizeof(TTY_NAME));
	return -err;
}

PUBLIC char *
ttyname(int fd)
{
	static char name[] = TTY_NAME;

	return posix_result(tty_check(fd)) < 0 ? NULL : name;
}
