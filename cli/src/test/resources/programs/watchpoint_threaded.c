#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static void *write_often(void *at) {
    for (int i = 0; i < 400; i++) {
        *(volatile int *)at = i;
        usleep(20000);
    }
    return 0;
}

int main(int argc, char **argv) {
    void *at = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    pthread_t thread;
    pthread_create(&thread, 0, write_often, at);
    pthread_join(thread, 0);
    return 0;
}
