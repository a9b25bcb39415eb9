/* SPDX-License-Identifier: ISC */
#include <sys/resource.h>

#include "guests.h"

enum {
	RATE = 10000,     /* questions a second of one user */
	BURST = 4000,     /* and so many at once */
	FORGET_MS = 1000, /* by then the allowance is full again */
	FDS = 4096,
	SPARE_FDS = 64, /* for sockets, store and log */
};

void
guests_init(struct guests *guests)
{
	struct rlimit limit = { 0, 0 }, more;

	getrlimit(RLIMIT_NOFILE, &limit);
	more = (struct rlimit) { limit.rlim_max < FDS ? limit.rlim_max : FDS, limit.rlim_max };
	if (limit.rlim_cur < more.rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0)
		limit = more;
	if (limit.rlim_cur > FDS)
		limit.rlim_cur = FDS;
	guests->most = limit.rlim_cur > 2 * SPARE_FDS ? (unsigned)limit.rlim_cur - SPARE_FDS :
							SPARE_FDS;
}

/* Of a user that is not known yet; who has been idle makes room.  NULL: nobody has. */
static struct guest *
welcome(struct guests *guests, uint32_t uid)
{
	int64_t now = now_ms();
	struct guest *g = guests->list, *end = g + guests->n;
	int i;

	while (g < end && (g->connections > 0 || now - g->filled_ms <= FORGET_MS))
		g++;
	if (g == end && guests->n == GUESTS_MAX)
		return NULL;
	if (g == end)
		guests->n++;
	*g = (struct guest) { .uid = uid, .allowance = BURST, .filled_ms = now };
	for (i = 0; i < QUEUES; i++)
		TAILQ_INIT(&g->queue[i]);
	return g;
}

static struct guest *
find(struct guests *guests, uint32_t uid)
{
	struct guest *g;

	for (g = guests->list; g < guests->list + guests->n; g++)
		if (g->uid == uid)
			return g;
	return NULL;
}

static void
fill(struct guest *g)
{
	int64_t now = now_ms(), more = (now - g->filled_ms) * RATE / 1000;

	if (more <= 0)
		return;
	g->allowance = more + g->allowance > BURST ? BURST : g->allowance + (unsigned)more;
	g->filled_ms = now;
}

struct guest *
guests_admit(struct guests *guests, uint32_t uid)
{
	struct guest *g = find(guests, uid);

	if (guests->connections >= guests->most ||
	    (g == NULL && (g = welcome(guests, uid)) == NULL))
		return NULL;
	fill(g);
	if (uid != 0 && (g->connections >= guests->most / 4 || g->allowance == 0))
		return NULL;
	if (g->allowance > 0)
		g->allowance--;
	g->connections++;
	guests->connections++;
	return g;
}

void
guests_leave(struct guests *guests, struct guest *guest)
{
	guest->connections--;
	guests->connections--;
}

void
guests_queue(struct connection *c, enum queue queue)
{
	if (c->in != NONE)
		TAILQ_REMOVE(&c->guest->queue[c->in], c, by_turn);
	if (queue != NONE)
		TAILQ_INSERT_TAIL(&c->guest->queue[queue], c, by_turn);
	c->in = queue;
}

struct connection *
guests_next(struct guests *guests, enum queue queue)
{
	struct connections *waiting;
	size_t i, *turn = &guests->turn[queue];

	for (i = 0; i < guests->n; i++) {
		*turn = (*turn + 1) % guests->n;
		waiting = &guests->list[*turn].queue[queue];
		if (!TAILQ_EMPTY(waiting))
			return TAILQ_FIRST(waiting);
	}
	return NULL;
}
