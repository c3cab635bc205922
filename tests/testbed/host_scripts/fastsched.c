/* Preloaded into slurmctld: its background loop naps 10 x 100 ms; this makes it 10 x 5 ms, so that jobs start sooner. */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>

int usleep(useconds_t us)
{
    struct timespec t;

    if (us == 100000)
        us = 5000;
    t.tv_sec = us / 1000000;
    t.tv_nsec = (us % 1000000) * 1000L;
    return nanosleep(&t, 0);
}
