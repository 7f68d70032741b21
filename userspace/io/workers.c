// SPDX-License-Identifier: GPL-2.0
/*
 * Disk operations by a few threads; called by io/disk.c, declared in
 * io/disk.h. A thread is started when there is work and none is idle.
 * Read next: dev/virtio_blk.c, where the work comes from.
 */
#include <pthread.h>
#include <stdlib.h>

#include "../jail.h"
#include "../loop.h"
#include "disk.h"

#define WORKERS_MAX	4
#define WORKERS_STACK	(128 * 1024)

struct lodge_workers {
	const struct lodge_disk *disk;
	pthread_mutex_t lock;		/* guards what follows */
	pthread_cond_t work;
	struct lodge_disk_io *todo, **todo_tail;
	struct lodge_disk_io *done, **done_tail;
	unsigned int nr_todo, nr_idle, nr;
	pthread_t thread[WORKERS_MAX];
	bool stop;
};

struct lodge_workers *lodge_workers_new(const struct lodge_disk *disk)
{
	struct lodge_workers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->disk = disk;
	w->todo_tail = &w->todo;
	w->done_tail = &w->done;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	return w;
}

static struct lodge_disk_io *workers_take(struct lodge_workers *w)
{
	struct lodge_disk_io *io;

	while (!w->todo && !w->stop) {
		w->nr_idle++;
		pthread_cond_wait(&w->work, &w->lock);
		w->nr_idle--;
	}
	io = w->todo;
	if (!io)
		return NULL;
	w->todo = io->next;
	if (!w->todo)
		w->todo_tail = &w->todo;
	w->nr_todo--;
	return io;
}

static void workers_give(struct lodge_workers *w, struct lodge_disk_io *io)
{
	io->next = NULL;
	*w->done_tail = io;
	w->done_tail = &io->next;
}

static void *workers_thread(void *arg)
{
	struct lodge_workers *w = arg;
	struct lodge_disk_io *io;
	/* One that cannot be restricted does nothing but say so. */
	int jailed = lodge_jail_thread(LODGE_JAIL_WORKER);

	pthread_mutex_lock(&w->lock);
	while ((io = workers_take(w))) {
		pthread_mutex_unlock(&w->lock);
		io->result = jailed ?: lodge_disk_do(w->disk, io);
		pthread_mutex_lock(&w->lock);
		workers_give(w, io);
		lodge_event_set(w->disk->event);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool workers_start(struct lodge_workers *w)
{
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKERS_STACK);
	ret = pthread_create(&w->thread[w->nr], &attr, workers_thread, w);
	pthread_attr_destroy(&attr);
	if (!ret)
		w->nr++;
	return !ret;
}

void lodge_workers_submit(struct lodge_workers *w, struct lodge_disk_io *io)
{
	bool here;

	io->next = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->nr_todo >= w->nr_idle && w->nr < WORKERS_MAX)
		workers_start(w);
	/* No thread could be had: slowly, then, but done. */
	here = !w->nr;
	if (!here) {
		*w->todo_tail = io;
		w->todo_tail = &io->next;
		w->nr_todo++;
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	if (!here)
		return;
	io->result = lodge_disk_do(w->disk, io);
	workers_give(w, io);
	lodge_event_set(w->disk->event);
}

struct lodge_disk_io *lodge_workers_done(struct lodge_workers *w)
{
	struct lodge_disk_io *list;

	pthread_mutex_lock(&w->lock);
	list = w->done;
	w->done = NULL;
	w->done_tail = &w->done;
	pthread_mutex_unlock(&w->lock);
	return list;
}

void lodge_workers_free(struct lodge_workers *w)
{
	unsigned int i;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->nr; i++)
		pthread_join(w->thread[i], NULL);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
