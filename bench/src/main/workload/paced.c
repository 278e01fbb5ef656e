// paced RATE SECONDS: makes RATE system calls (getppid) a second, in bursts of a fifth of a millisecond, and tells how long it took.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

int main(int count, char **words) {
    if (count < 3) return 2;
    double rate = atof(words[1]);
    long total = (long)(rate * atof(words[2])), made = 0;
    const struct timespec pause = {0, 200000};
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (made < total) {
        long due = (long)(since(&start) * rate);
        for (; made < due && made < total; made++) syscall(SYS_getppid);
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "paced: %ld calls in %.3f s\n", made, since(&start));
    return 0;
}
