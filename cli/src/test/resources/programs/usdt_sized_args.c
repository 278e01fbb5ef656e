#include "static_probe.h"
#include <stdint.h>
#include <unistd.h>

int main(void) {
    uint32_t a = 1;
    uint64_t b = (uint64_t)UINT32_MAX + 1 + 1;
    for (int i = 0; i < 500; i++) {
        SKEP_NOTE("0", "test", "probe1", "4@%k0", "r"(a));
        SKEP_NOTE("0", "test", "probe2", "4@%k0", "r"(b));
        usleep(20000);
    }
    return 0;
}
