#include "static_probe.h"
#include <stdio.h>
#include <time.h>
#include <unistd.h>

unsigned short tracetest_testprobe_semaphore __attribute__((section(".probes")));

int main(void) {
    char text[64];
    for (int i = 0; i < 500; i++) {
        int on = *(volatile unsigned short *)&tracetest_testprobe_semaphore;
        snprintf(text, sizeof text, "USDT semaphore: %d", on);
        if (on) {
            SKEP_NOTE("tracetest_testprobe_semaphore", "tracetest", "testprobe", "8@%0 8@%1", "r"((long)time(0)), "r"(text));
        }
        usleep(20000);
    }
    return 0;
}
