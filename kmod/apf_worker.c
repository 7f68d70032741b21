// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: kernel threads that bring in pages for vCPUs which do not wait.
 *
 * A worker has one page at a time, and may have to wait for it as long as
 * whoever serves it likes: another file system, a process with a userfaultfd.
 * So none waits for another; where there is no worker to be had, the vCPU
 * waits itself. They stay until their vCPU goes. Called by apf.c, in the
 * vCPU's thread. Next: host_page.c.
 *
 * Its state says whose a worker is: the vCPU's thread's, but when busy.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "apf.h"
#include "lodge.h"

/* Threads of a host are limited: guests must not have them all. */
#define WORKERS_HOST	1024

enum { WORKER_FREE, WORKER_BUSY, WORKER_DONE };

static atomic_t workers;

/* While it holds the mm it may be killed: lodge_apf_interrupt(). */
static int worker_bring(struct lodge_apf_worker *w)
{
	struct mm_struct *mm = w->vcpu->vm->mm;
	int err = -EIO;

	if (!mmget_not_zero(mm))
		return err;
	if (!READ_ONCE(w->kill))
		err = lodge_host_page_bring(mm, w->hva, w->write);
	mmput(mm);
	return err;
}

static bool worker_wanted(struct lodge_apf_worker *w)
{
	/* Pairs with lodge_apf_worker_start(). */
	return smp_load_acquire(&w->state) == WORKER_BUSY ||
	       kthread_should_stop();
}

static int worker_main(void *arg)
{
	struct lodge_apf_worker *w = arg;

	/* Kernel threads hear no signals otherwise. */
	allow_signal(SIGKILL);
	for (;;) {
		rcuwait_wait_event(&w->wait, worker_wanted(w), TASK_IDLE);
		if (kthread_should_stop())
			return 0;
		w->err = worker_bring(w);
		WRITE_ONCE(w->kill, false);
		disallow_signal(SIGKILL);	/* forgets one that has come */
		allow_signal(SIGKILL);
		/* Pairs with worker_state(). */
		smp_store_release(&w->state, WORKER_DONE);
		lodge_vcpu_request(w->vcpu, LODGE_REQ_APF);
	}
}

static int worker_state(const struct lodge_apf_worker *w)
{
	/* Pairs with worker_main(): err is there. */
	return smp_load_acquire(&w->state);
}

static struct lodge_apf_worker *worker_create(struct lodge_vcpu *vcpu)
{
	struct lodge_apf_worker *w;

	if (!atomic_add_unless(&workers, 1, WORKERS_HOST))
		return NULL;
	w = kvzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		goto out;
	w->vcpu = vcpu;
	rcuwait_init(&w->wait);
	w->task = kthread_create(worker_main, w, "lodge-apf/%u", vcpu->vm->pid);
	if (IS_ERR(w->task))
		goto out_free;
	/* It has not begun: what wakes it is what wakes one that waits. */
	rcu_assign_pointer(w->wait.task, w->task);
	rcuwait_wake_up(&w->wait);	/* not begun, it would look like one that hangs */
	return w;

out_free:
	kvfree(w);
out:
	atomic_dec(&workers);
	return NULL;
}

/**
 * lodge_apf_worker_get() - one that has nothing to do
 * @vcpu: mutex held
 *
 * Context: may sleep.
 * Return: a worker, the vCPU's still; NULL: there is none to be had.
 */
struct lodge_apf_worker *lodge_apf_worker_get(struct lodge_vcpu *vcpu)
{
	struct lodge_apf *apf = &vcpu->apf;
	struct lodge_apf_worker *w;
	u32 i;

	for (i = 0; i < apf->nr; i++) {
		w = apf->worker[i];
		if (worker_state(w) == WORKER_DONE && !w->token)
			lodge_apf_worker_free(w);
		if (worker_state(w) == WORKER_FREE)
			return w;
	}
	if (apf->nr == LODGE_APF_MAX)
		return NULL;
	w = worker_create(vcpu);
	if (!w)
		return NULL;
	apf->worker[apf->nr] = w;
	/* Pairs with lodge_apf_interrupt(). */
	smp_store_release(&apf->nr, apf->nr + 1);
	return w;
}

/**
 * lodge_apf_worker_start() - have a page brought in
 * @w: from lodge_apf_worker_get()
 * @gfn: the page, as the vCPU calls it
 * @hva: its user address
 * @write: it is to be written to
 * @token: not 0; who makes it 0 does not want to hear of the page any more
 *
 * LODGE_REQ_APF is asked of the vCPU when it is there.
 */
void lodge_apf_worker_start(struct lodge_apf_worker *w, gfn_t gfn,
			    unsigned long hva, bool write, u32 token)
{
	w->gfn = gfn;
	w->hva = hva;
	w->write = write;
	w->token = token;
	/* Pairs with worker_wanted(). */
	smp_store_release(&w->state, WORKER_BUSY);
	rcuwait_wake_up(&w->wait);
	smp_mb();	/* pairs with lodge_apf_close() */
	if (unlikely(READ_ONCE(w->vcpu->apf.closed)))
		lodge_apf_interrupt(w->vcpu);
}

/**
 * lodge_apf_under_way() - is a page being brought in already?
 * @vcpu: mutex held
 * @gfn: the page
 */
bool lodge_apf_under_way(struct lodge_vcpu *vcpu, gfn_t gfn)
{
	struct lodge_apf *apf = &vcpu->apf;
	u32 i;

	for (i = 0; i < apf->nr; i++)
		if (apf->worker[i]->gfn == gfn && apf->worker[i]->token &&
		    worker_state(apf->worker[i]) != WORKER_FREE)
			return true;
	return false;
}

/**
 * lodge_apf_worker_done() - one whose page the guest is to hear of
 * @vcpu: mutex held
 *
 * Return: a worker, for lodge_apf_worker_free(), or NULL.
 */
struct lodge_apf_worker *lodge_apf_worker_done(struct lodge_vcpu *vcpu)
{
	struct lodge_apf *apf = &vcpu->apf;
	u32 i;

	for (i = 0; i < apf->nr; i++) {
		struct lodge_apf_worker *w =
			apf->worker[(apf->last + 1 + i) % apf->nr];

		if (!w->token || worker_state(w) != WORKER_DONE)
			continue;
		/* The others have their turn before this one again. */
		apf->last = (apf->last + 1 + i) % apf->nr;
		return w;
	}
	return NULL;
}

/**
 * lodge_apf_worker_free() - it may be given another page
 * @w: done
 */
void lodge_apf_worker_free(struct lodge_apf_worker *w)
{
	w->token = 0;
	WRITE_ONCE(w->state, WORKER_FREE);
}

/**
 * lodge_apf_interrupt() - whoever waits for a page gives it up
 * @vcpu: any
 *
 * A process that ends would else be kept by workers that wait for a page which
 * a third one is to serve. A vCPU that goes on waits for that page itself.
 *
 * Context: process context; a descriptor of the vCPU is held.
 */
void lodge_apf_interrupt(struct lodge_vcpu *vcpu)
{
	/* Pairs with lodge_apf_worker_get(): worker[] is filled. */
	u32 i, nr = smp_load_acquire(&vcpu->apf.nr);

	for (i = 0; i < nr; i++) {
		struct lodge_apf_worker *w = vcpu->apf.worker[i];

		/* First: it may not be able to hear of it yet. */
		WRITE_ONCE(w->kill, true);
		send_sig(SIGKILL, w->task, 1);
	}
}

/**
 * lodge_apf_close() - a descriptor of the vCPU is closed by its maker
 * @vcpu: any
 *
 * It may be the last, and nobody may come by who could interrupt workers at the
 * process's end: from now on the vCPU waits for its pages.
 *
 * Context: process context; a descriptor of the vCPU is held.
 */
void lodge_apf_close(struct lodge_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->apf.closed, true);
	smp_mb();	/* pairs with lodge_apf_worker_start() */
	lodge_apf_interrupt(vcpu);
}

/**
 * lodge_apf_stop() - no worker is left
 * @vcpu: not running any more, interrupted; its VM's mm is still held
 *
 * Context: may sleep.
 */
void lodge_apf_stop(struct lodge_vcpu *vcpu)
{
	struct lodge_apf *apf = &vcpu->apf;
	u32 i;

	for (i = 0; i < apf->nr; i++) {
		kthread_stop(apf->worker[i]->task);
		kvfree(apf->worker[i]);
		atomic_dec(&workers);
	}
	apf->nr = 0;
}
