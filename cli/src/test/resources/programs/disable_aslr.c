#include <sys/personality.h>
#include <unistd.h>

int main(int argc, char **argv) {
    personality(ADDR_NO_RANDOMIZE);
    return argc < 2 || execv(argv[1], argv + 1);
}
