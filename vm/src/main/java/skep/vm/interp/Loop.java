package skep.vm.interp;

import skep.vm.Executable;
import skep.vm.Memory;
import skep.vm.RegionCache;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/**
 * The dispatch loop. One call of {@link #run} is one BPF function call. Every memory access is tested: against the live stack
 * first, then against the region that was hit last, then against all regions.
 *
 * <p>The loop allocates nothing. {@link #run} stays below 8,000 bytes of bytecode, above which HotSpot would never compile it.
 */
final class Loop {
    private static final long U32 = 0xffff_ffffL;

    /** How often the {@code may_goto} instructions of one function call let the program go on (BPF_MAX_LOOPS). */
    private static final int MAX_MAY_GOTOS = 8 << 20;

    private static final String OUT_OF_BUDGET = "the instruction budget is used up";

    private Loop() {}

    static long run(InnerForm form, VmCpu cpu, int entry, long a, long b, long c, long d, long e) {
        var words = form.words();
        var imms = form.imms();
        var functions = form.functions();
        var r = new long[16];
        long frame = cpu.push();
        long stackLow = cpu.stackLow();
        long stackEnd = cpu.stackEnd();
        var reads = new RegionCache(cpu, false);
        var writes = new RegionCache(cpu, true);
        long budget = cpu.budget();
        int mayGotos = MAX_MAY_GOTOS;
        int pc = entry;
        int from = entry;
        r[1] = a;
        r[2] = b;
        r[3] = c;
        r[4] = d;
        r[5] = e;
        r[10] = frame;
        try {
            while (true) {
                long word = words[pc];
                int dst = (int) word >>> 8 & 0xf;
                int src = (int) word >>> 12 & 0xf;
                switch ((int) word & 0xff) {
                    case Op.ADD64_K -> r[dst] += imms[pc];
                    case Op.SUB64_K -> r[dst] -= imms[pc];
                    case Op.MUL64_K -> r[dst] *= imms[pc];
                    case Op.OR64_K -> r[dst] |= imms[pc];
                    case Op.AND64_K -> r[dst] &= imms[pc];
                    case Op.LSH64_K -> r[dst] <<= imms[pc];
                    case Op.RSH64_K -> r[dst] >>>= imms[pc];
                    case Op.XOR64_K -> r[dst] ^= imms[pc];
                    case Op.MOV64_K -> r[dst] = imms[pc];
                    case Op.ARSH64_K -> r[dst] >>= imms[pc];
                    case Op.DIV64_K -> r[dst] = Arithmetic.div(r[dst], imms[pc]);
                    case Op.SDIV64_K -> r[dst] = Arithmetic.sdiv(r[dst], imms[pc]);
                    case Op.MOD64_K -> r[dst] = Arithmetic.mod(r[dst], imms[pc]);
                    case Op.SMOD64_K -> r[dst] = Arithmetic.smod(r[dst], imms[pc]);
                    case Op.ADD32_K -> r[dst] = ((int) r[dst] + (int) imms[pc]) & U32;
                    case Op.SUB32_K -> r[dst] = ((int) r[dst] - (int) imms[pc]) & U32;
                    case Op.MUL32_K -> r[dst] = ((int) r[dst] * (int) imms[pc]) & U32;
                    case Op.OR32_K -> r[dst] = ((int) r[dst] | (int) imms[pc]) & U32;
                    case Op.AND32_K -> r[dst] = ((int) r[dst] & (int) imms[pc]) & U32;
                    case Op.LSH32_K -> r[dst] = ((int) r[dst] << (int) imms[pc]) & U32;
                    case Op.RSH32_K -> r[dst] = ((int) r[dst] >>> (int) imms[pc]) & U32;
                    case Op.XOR32_K -> r[dst] = ((int) r[dst] ^ (int) imms[pc]) & U32;
                    case Op.ARSH32_K -> r[dst] = ((int) r[dst] >> (int) imms[pc]) & U32;
                    case Op.DIV32_K -> r[dst] = Arithmetic.div((int) r[dst], (int) imms[pc]) & U32;
                    case Op.SDIV32_K -> r[dst] = Arithmetic.sdiv((int) r[dst], (int) imms[pc]) & U32;
                    case Op.MOD32_K -> r[dst] = Arithmetic.mod((int) r[dst], (int) imms[pc]) & U32;
                    case Op.SMOD32_K -> r[dst] = Arithmetic.smod((int) r[dst], (int) imms[pc]) & U32;
                    case Op.ADD64_X -> r[dst] += r[src];
                    case Op.SUB64_X -> r[dst] -= r[src];
                    case Op.MUL64_X -> r[dst] *= r[src];
                    case Op.OR64_X -> r[dst] |= r[src];
                    case Op.AND64_X -> r[dst] &= r[src];
                    case Op.LSH64_X -> r[dst] <<= r[src];
                    case Op.RSH64_X -> r[dst] >>>= r[src];
                    case Op.XOR64_X -> r[dst] ^= r[src];
                    case Op.MOV64_X -> r[dst] = r[src];
                    case Op.ARSH64_X -> r[dst] >>= r[src];
                    case Op.DIV64_X -> r[dst] = Arithmetic.div(r[dst], r[src]);
                    case Op.SDIV64_X -> r[dst] = Arithmetic.sdiv(r[dst], r[src]);
                    case Op.MOD64_X -> r[dst] = Arithmetic.mod(r[dst], r[src]);
                    case Op.SMOD64_X -> r[dst] = Arithmetic.smod(r[dst], r[src]);
                    case Op.ADD32_X -> r[dst] = ((int) r[dst] + (int) r[src]) & U32;
                    case Op.SUB32_X -> r[dst] = ((int) r[dst] - (int) r[src]) & U32;
                    case Op.MUL32_X -> r[dst] = ((int) r[dst] * (int) r[src]) & U32;
                    case Op.OR32_X -> r[dst] = ((int) r[dst] | (int) r[src]) & U32;
                    case Op.AND32_X -> r[dst] = ((int) r[dst] & (int) r[src]) & U32;
                    case Op.LSH32_X -> r[dst] = ((int) r[dst] << (int) r[src]) & U32;
                    case Op.RSH32_X -> r[dst] = ((int) r[dst] >>> (int) r[src]) & U32;
                    case Op.XOR32_X -> r[dst] = ((int) r[dst] ^ (int) r[src]) & U32;
                    case Op.ARSH32_X -> r[dst] = ((int) r[dst] >> (int) r[src]) & U32;
                    case Op.DIV32_X -> r[dst] = Arithmetic.div((int) r[dst], (int) r[src]) & U32;
                    case Op.SDIV32_X -> r[dst] = Arithmetic.sdiv((int) r[dst], (int) r[src]) & U32;
                    case Op.MOD32_X -> r[dst] = Arithmetic.mod((int) r[dst], (int) r[src]) & U32;
                    case Op.SMOD32_X -> r[dst] = Arithmetic.smod((int) r[dst], (int) r[src]) & U32;
                    case Op.MOV32_X -> r[dst] = r[src] & U32;
                    case Op.NEG64 -> r[dst] = -r[dst];
                    case Op.NEG32 -> r[dst] = -r[dst] & U32;
                    case Op.MOVSX8_64 -> r[dst] = (byte) r[src];
                    case Op.MOVSX16_64 -> r[dst] = (short) r[src];
                    case Op.MOVSX32_64 -> r[dst] = (int) r[src];
                    case Op.MOVSX8_32 -> r[dst] = (byte) r[src] & U32;
                    case Op.MOVSX16_32 -> r[dst] = (short) r[src] & U32;
                    case Op.ZEXT16 -> r[dst] &= 0xffff;
                    case Op.ZEXT32 -> r[dst] &= U32;
                    case Op.SWAP16 -> r[dst] = Short.reverseBytes((short) r[dst]) & 0xffffL;
                    case Op.SWAP32 -> r[dst] = Integer.reverseBytes((int) r[dst]) & U32;
                    case Op.SWAP64 -> r[dst] = Long.reverseBytes(r[dst]);
                    case Op.LOAD_B -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 1 || reads.holds(at, 1)) {
                            r[dst] = Memory.getByte(at) & 0xffL;
                        } else {
                            r[dst] = reads.elsewhere(at, 1, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.LOAD_H -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 2 || reads.holds(at, 2)) {
                            r[dst] = Memory.getShort(at) & 0xffffL;
                        } else {
                            r[dst] = reads.elsewhere(at, 2, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.LOAD_W -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 4 || reads.holds(at, 4)) {
                            r[dst] = Memory.getInt(at) & U32;
                        } else {
                            r[dst] = reads.elsewhere(at, 4, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.LOAD_DW -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 8 || reads.holds(at, 8)) {
                            r[dst] = Memory.getLong(at);
                        } else {
                            r[dst] = reads.elsewhere(at, 8, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.LOAD_SB -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 1 || reads.holds(at, 1)) {
                            r[dst] = Memory.getByte(at);
                        } else {
                            r[dst] = (byte) reads.elsewhere(at, 1, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.LOAD_SH -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 2 || reads.holds(at, 2)) {
                            r[dst] = Memory.getShort(at);
                        } else {
                            r[dst] = (short) reads.elsewhere(at, 2, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.LOAD_SW -> {
                        long at = r[src] + (word >> 32);
                        if (at >= stackLow && at <= stackEnd - 4 || reads.holds(at, 4)) {
                            r[dst] = Memory.getInt(at);
                        } else {
                            r[dst] = (int) reads.elsewhere(at, 4, form.kernelLoads()[pc]);
                        }
                    }
                    case Op.STORE_B_K -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 1 || writes.holds(at, 1))) {
                            writes.refuse(at, 1);
                        }
                        Memory.putByte(at, (byte) imms[pc]);
                    }
                    case Op.STORE_B_X -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 1 || writes.holds(at, 1))) {
                            writes.refuse(at, 1);
                        }
                        Memory.putByte(at, (byte) r[src]);
                    }
                    case Op.STORE_H_K -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 2 || writes.holds(at, 2))) {
                            writes.refuse(at, 2);
                        }
                        Memory.putShort(at, (short) imms[pc]);
                    }
                    case Op.STORE_H_X -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 2 || writes.holds(at, 2))) {
                            writes.refuse(at, 2);
                        }
                        Memory.putShort(at, (short) r[src]);
                    }
                    case Op.STORE_W_K -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 4 || writes.holds(at, 4))) {
                            writes.refuse(at, 4);
                        }
                        Memory.putInt(at, (int) imms[pc]);
                    }
                    case Op.STORE_W_X -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 4 || writes.holds(at, 4))) {
                            writes.refuse(at, 4);
                        }
                        Memory.putInt(at, (int) r[src]);
                    }
                    case Op.STORE_DW_K -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 8 || writes.holds(at, 8))) {
                            writes.refuse(at, 8);
                        }
                        Memory.putLong(at, imms[pc]);
                    }
                    case Op.STORE_DW_X -> {
                        long at = r[dst] + (word >> 32);
                        if (!(at >= stackLow && at <= stackEnd - 8 || writes.holds(at, 8))) {
                            writes.refuse(at, 8);
                        }
                        Memory.putLong(at, r[src]);
                    }
                    case Op.ATOMIC -> {
                        long at = r[dst] + (word >> 32);
                        int size = (int) imms[pc];
                        if (!(at >= stackLow && at <= stackEnd - size || writes.holds(at, size))) {
                            writes.refuse(at, size);
                        }
                        Atomics.apply((int) (imms[pc] >>> 32), size, at, r, src);
                    }
                    case Op.LOAD_PACKET -> {
                        var function = functions[(int) (imms[pc] >>> 32)];
                        long off = dst == 0 ? word >> 32 : (int) (r[src] + (word >> 32));
                        r[0] = function.call(cpu, r[6], off, (int) imms[pc], r[0], r[7]);
                    }
                    case Op.JA -> {
                        budget -= pc - from + 1;
                        from = pc = (int) (word >> 32);
                        if (budget < 0) {
                            throw new VmFault(OUT_OF_BUDGET);
                        }
                        continue;
                    }
                    case Op.JEQ64_K -> {
                        if (r[dst] == imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JEQ64_X -> {
                        if (r[dst] == r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGT64_K -> {
                        if (Long.compareUnsigned(r[dst], imms[pc]) > 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGT64_X -> {
                        if (Long.compareUnsigned(r[dst], r[src]) > 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGE64_K -> {
                        if (Long.compareUnsigned(r[dst], imms[pc]) >= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGE64_X -> {
                        if (Long.compareUnsigned(r[dst], r[src]) >= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSET64_K -> {
                        if ((r[dst] & imms[pc]) != 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSET64_X -> {
                        if ((r[dst] & r[src]) != 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JNE64_K -> {
                        if (r[dst] != imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JNE64_X -> {
                        if (r[dst] != r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGT64_K -> {
                        if (r[dst] > imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGT64_X -> {
                        if (r[dst] > r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGE64_K -> {
                        if (r[dst] >= imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGE64_X -> {
                        if (r[dst] >= r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLT64_K -> {
                        if (Long.compareUnsigned(r[dst], imms[pc]) < 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLT64_X -> {
                        if (Long.compareUnsigned(r[dst], r[src]) < 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLE64_K -> {
                        if (Long.compareUnsigned(r[dst], imms[pc]) <= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLE64_X -> {
                        if (Long.compareUnsigned(r[dst], r[src]) <= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLT64_K -> {
                        if (r[dst] < imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLT64_X -> {
                        if (r[dst] < r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLE64_K -> {
                        if (r[dst] <= imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLE64_X -> {
                        if (r[dst] <= r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JEQ32_K -> {
                        if ((int) r[dst] == (int) imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JEQ32_X -> {
                        if ((int) r[dst] == (int) r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGT32_K -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) imms[pc]) > 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGT32_X -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) r[src]) > 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGE32_K -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) imms[pc]) >= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JGE32_X -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) r[src]) >= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSET32_K -> {
                        if (((int) r[dst] & (int) imms[pc]) != 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSET32_X -> {
                        if (((int) r[dst] & (int) r[src]) != 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JNE32_K -> {
                        if ((int) r[dst] != (int) imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JNE32_X -> {
                        if ((int) r[dst] != (int) r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGT32_K -> {
                        if ((int) r[dst] > (int) imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGT32_X -> {
                        if ((int) r[dst] > (int) r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGE32_K -> {
                        if ((int) r[dst] >= (int) imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSGE32_X -> {
                        if ((int) r[dst] >= (int) r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLT32_K -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) imms[pc]) < 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLT32_X -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) r[src]) < 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLE32_K -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) imms[pc]) <= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JLE32_X -> {
                        if (Integer.compareUnsigned((int) r[dst], (int) r[src]) <= 0) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLT32_K -> {
                        if ((int) r[dst] < (int) imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLT32_X -> {
                        if ((int) r[dst] < (int) r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLE32_K -> {
                        if ((int) r[dst] <= (int) imms[pc]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.JSLE32_X -> {
                        if ((int) r[dst] <= (int) r[src]) {
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            if (budget < 0) {
                                throw new VmFault(OUT_OF_BUDGET);
                            }
                            continue;
                        }
                    }
                    case Op.MAY_GOTO -> {
                        if (mayGotos-- == 0) {
                            mayGotos = 0;
                            budget -= pc - from + 1;
                            from = pc = (int) (word >> 32);
                            continue;
                        }
                    }
                    case Op.CALL_HELPER -> {
                        cpu.setBudget(budget - (pc - from + 1));
                        from = pc + 1;
                        r[0] = functions[(int) imms[pc]].call(cpu, r[1], r[2], r[3], r[4], r[5]);
                        budget = cpu.budget();
                    }
                    case Op.CALL_LOCAL -> {
                        cpu.setBudget(budget - (pc - from + 1));
                        from = pc + 1;
                        r[0] = run(form, cpu, (int) (word >> 32), r[1], r[2], r[3], r[4], r[5]);
                        budget = cpu.budget();
                    }
                    case Op.CALL_REGISTER -> {
                        cpu.setBudget(budget - (pc - from + 1));
                        from = pc + 1;
                        r[0] = cpu.callRegister(r[dst], r[1], r[2], r[3], r[4], r[5]);
                        budget = cpu.budget();
                    }
                    case Op.TAIL_CALL -> {
                        cpu.setBudget(budget - (pc - from + 1));
                        from = pc + 1;
                        if (cpu.tailCallTarget(r[2], (int) r[3]) instanceof Executable next) {
                            cpu.pop(frame);
                            return next.call(cpu, 0, r[1], 0, 0, 0, 0);
                        }
                    }
                    case Op.EXIT -> {
                        cpu.setBudget(budget - (pc - from + 1));
                        cpu.pop(frame);
                        return r[0];
                    }
                    case Op.WATCH -> form.watch((int) imms[pc], r, frame);
                    default -> throw new AssertionError(word);
                }
                pc++;
            }
        } catch (VmFault fault) {
            throw fault.insn() >= 0 ? fault : new VmFault(form.slotOf()[pc], fault.reason());
        }
    }
}
