#include "static_probe.h"
#include <time.h>
#include <unistd.h>

static const char *const TEXTS[] = {"Hello World1", "Hello World2", "Hello World3"};

__attribute__((noinline)) static void mark(long id) {
    SKEP_NOTE("0", "tracetest", "testprobe", "8@%0 8@%1", "r"(id), "r"(TEXTS[0]));
    SKEP_NOTE("0", "tracetest", "testprobe2", "8@%0 8@%1", "r"(id), "r"(TEXTS[1]));
    SKEP_NOTE("0", "tracetest2", "testprobe2", "8@%0 8@%1", "r"(id), "r"(TEXTS[2]));
}

int main(void) {
    /* Programs read only what is in memory. */
    volatile char touched = TEXTS[0][0];
    (void)touched;
    for (int i = 0; i < 500; i++) {
        mark(time(0));
        usleep(20000);
    }
    return 0;
}
