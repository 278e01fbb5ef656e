#include "static_probe.h"
#include <unistd.h>

int main(void) {
    for (int i = 0; i < 500; i++) {
        SKEP_NOTE("0", "test", "\\\"probe1\\\"", "8@%0", "r"(1L));
        usleep(20000);
    }
    return 0;
}
