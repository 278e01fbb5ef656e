#include "static_probe.h"
#include <stdint.h>

#define VALUE ((int64_t)0xf7f6f5f4f3f2f1f0)

int main(void) {
    uint64_t u64 = VALUE;
    SKEP_NOTE("0", "usdt_args", "const_u64", "8@$-579005069656919568", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_64", "-8@$-579005069656919568", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_u32", "4@$-202182160", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_32", "-4@$-202182160", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_u16", "2@$-3600", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_16", "-2@$-3600", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_u8", "1@$-16", "r"(0));
    SKEP_NOTE("0", "usdt_args", "const_8", "-1@$-16", "r"(0));
    SKEP_NOTE("0", "usdt_args", "reg_u64", "8@%0", "a"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_64", "-8@%0", "b"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_u32", "4@%k0", "c"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_32", "-4@%k0", "d"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_u16", "2@%w0", "S"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_16", "-2@%w0", "D"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_u8", "1@%b0", "a"(u64));
    SKEP_NOTE("0", "usdt_args", "reg_8", "-1@%b0", "b"(u64));
    long array[32] = {0};
    array[0] = array[1] = array[2] = VALUE;
    long *base = array;
    long index = 1;
    SKEP_NOTE("0", "usdt_args", "addr_u64", "8@(%0)", "r"(base), "m"(array));
    SKEP_NOTE("0", "usdt_args", "addr_32", "-4@8(%0)", "r"(base), "m"(array));
    SKEP_NOTE("0", "usdt_args", "index_u16", "2@(%0,%1)", "r"(base), "r"(index), "m"(array));
    SKEP_NOTE("0", "usdt_args", "scale_16", "-2@8(%0,%1,8)", "r"(base), "r"(index), "m"(array));
    return 0;
}
