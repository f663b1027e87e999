/* base/mutex.h - mutexes that are held for a few hundred instructions at most.
 *
 * Two requests that meet at one cost two futex calls and a change of threads, which is many times longer than
 * either holds it. So a waiter first spins for about as long as it takes, and only then sleeps. Not for
 * mutexes that are held over a system call.
 */
#ifndef FSENC_BASE_MUTEX_H
#define FSENC_BASE_MUTEX_H

#include <pthread.h>

void mutex_init_brief(pthread_mutex_t *mutex);

#endif
